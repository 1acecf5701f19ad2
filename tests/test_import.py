import ast
import importlib
import inspect
import subprocess
import sys

import pytest

import riskstats
import riskstats.scores

HEAVY = {
    "cvxpy",
    "jax",
    "jaxlib",
    "matplotlib",
    "narwhals",
    "numpy",
    "pandas",
    "pyarrow",
    "pyscipopt",
    "rich",
    "scipy",
    "sklearn",
}

PUBLIC = {
    "riskstats": {
        "AssumptionWarning", "Binning", "CDFEnvelope", "CVaR", "Certificate", "CertificateError",
        "CertifiedSet", "Distribution", "IncompatibleBound", "Infeasible", "InvalidInput",
        "InvalidInputType", "MarginalBalls", "Mean", "NotConverged", "OutcomeTable", "RashomonSet",
        "Result", "RiskBound", "RiskController", "RiskScoreClassifier", "ScoreCard",
        "SequentialCertifier", "Solution", "Status", "StoppedEarly", "Unavailable", "ValueAtRisk",
        "Verification", "WassersteinBall", "bounds", "cdf_band", "certify", "compare_models", "control",
        "cvar_interval", "datasets", "distribution", "envelope", "evaluation_report", "evaluations",
        "exceptions", "expected_harm", "harm", "levelset", "losses", "lower_bound", "makarov_bounds",
        "measures", "multiplicity", "p_value", "read_log", "results", "risk_profile", "scores", "tail",
        "upper_bound", "verify_certificate", "wasserstein", "worst_case_expectation", "worst_case_risk",
    },
    "riskstats.bounds": {
        "Assumptions", "Band", "Bentkus", "BerkJones", "Betting", "BettingSequence", "BettingWealth",
        "Bound", "Boundary", "Brown", "Chernoff", "ClopperPearson", "DKW", "EmpiricalBernstein",
        "EmpiricalBernsteinSequence", "Family", "Hoeffding", "HoeffdingBentkus", "KolmogorovSmirnov",
        "MeanBound", "OrderStatisticBand", "QuantileSequence", "RiskBound", "RockafellarUryasev", "Sample",
        "SplitBound", "ThomasLearnedMiller", "bentkus", "berk_jones", "betting", "betting_sequence",
        "bonferroni", "brown", "cdf_band", "chernoff", "clopper_pearson", "crossing_probability", "dkw",
        "empirical_bernstein", "empirical_bernstein_sequence", "failure_at_k", "fixed_sequence",
        "hoeffding", "hoeffding_bentkus", "holm", "holm_adjusted", "kolmogorov_smirnov", "lower_bound",
        "order_statistic_band", "p_value", "parse_bound", "per_item_bound", "per_item_p_value", "recommend",
        "rockafellar_uryasev", "sequential_graphical", "thomas_learned_miller", "unit_losses",
        "upper_bound",
    },
    "riskstats.control": {
        "CertifiedRisk", "CertifiedSet", "ControlVariate", "GroupReport", "Rejection", "Requirement",
        "Reweighted", "RiskController", "SampleSizePlan", "SequentialCertifier", "ShiftWeights",
        "ShiftedRiskBound", "StratifiedBox", "certify", "certify_jointly", "covariate_shift_weights",
        "detectable_risk", "difference_bound", "group_bounds", "judge_corrected_bound", "pareto_order",
        "sample_size", "shifted_upper_bound",
    },
    "riskstats.evaluations": {
        "AtLeastOne", "AttackMatrix", "ContrastPairs", "CorrectedRate", "Design", "EvaluationReport",
        "FactorEffects", "JudgeAgreement", "Missingness", "OrdinalSummary", "OutcomeTable",
        "PairedComparison", "PooledRates", "RateReport", "RollUp", "Scale", "Taxonomy", "TraceSummary",
        "Zone", "at_least_one", "attack_matrix", "contrast_pairs", "design_matrix", "evaluation_report",
        "factor_effects", "judge_agreement", "judge_corrected_rate", "kaplan_meier", "match_twins",
        "ordinal_summary", "paired_comparison", "pooled_rates", "proportion_interval", "rate_interval",
        "read_log", "roll_up", "trace_summary", "zone",
    },
    "riskstats.harm": {
        "AILUMINATE_0_5", "AILUMINATE_1_0", "CalibrationReport", "CostMap", "DecreasingMaps",
        "Exponential", "Grade", "GradeScale", "GradedSuccess", "HarmBenefitModel", "HarmComparison",
        "HarmExplanation", "HarmInterval", "HarmReport", "HarmWeights", "Linear", "Logistic",
        "OwaspRating", "ProbeReport", "Reciprocal", "StakeholderRating", "Tabulated", "compare_harm",
        "expected_harm", "grade", "harm_interval", "linear_probe", "owasp_rating", "residualised",
        "risk_calibration", "strongreject_score",
    },
    "riskstats.measures": {
        "Atkinson", "CVaR", "Distortion", "DistortionMeasure", "DualPower", "EVaR", "Entropic", "Expectile",
        "ExponentialDistortion", "Gini", "GroupDifference", "GroupRatio", "Mean", "ProportionalHazard",
        "RiskMeasure", "Spectral", "SpectralMeasure", "VaRInterval", "ValueAtRisk", "Wang", "atkinson",
        "cvar", "distortion_risk", "entropic_risk", "evar", "expected_shortfall", "expectile", "gini",
        "group_difference", "group_ratio", "known_measures", "mean", "measure_by_group", "parse_measure",
        "spectral_risk", "value_at_risk", "var_interval",
    },
    "riskstats.levelset": {
        "Baseline", "ConvexProblem", "LevelSet", "LogisticLoss", "SquaredLoss", "Support",
    },
    "riskstats.multiplicity": {
        "CapacityResult", "EpsilonPath", "MultiplicityRate", "MultiplicityReport", "PredictionRange",
        "RashomonSet", "Refits", "ScorePool", "ambiguity", "disagreement", "discrepancy",
        "label_ambiguity", "rashomon_capacity", "viable_prediction_range",
    },
    "riskstats.scores": {
        "Binning", "CardPool", "Certificate", "IntegerScoreProblem", "Pool", "RiskScoreClassifier",
        "ScoreCard", "SolveOptions", "Verification", "beam", "bnb", "scip", "verify_certificate",
    },
    "riskstats.tail": {
        "Asymptotic", "BacktestReport", "BootstrapT", "CVaRInterval", "ClipAudit", "Contributions",
        "FrechetBounds", "FrechetTails", "GroupTails", "JudgeNoise", "MarginalTails", "MergeableTail",
        "ModelComparison", "ModelsReport", "Provenance", "RepeatedTail", "RiskProfile", "ScaleProfile",
        "SplitBetting", "TailAttribution", "TailDependence", "TailFit", "TailReport", "TailSketch",
        "TailWeights", "compare_models", "cvar_interval", "expected_shortfall_backtest",
        "fissler_ziegel_score", "frechet_bounds", "judge_noise_sensitivity", "log_risk",
        "mean_fissler_ziegel_score", "peaks_over_threshold", "pool_judges", "profile_models",
        "repeated_tail", "risk_profile", "shapley_of_union", "t_copula_tail_dependence",
        "tail_attribution", "tail_dependence", "tail_report", "tail_weights", "union_risk",
    },
    "riskstats.wasserstein": {
        "Above", "Absolute", "Aggregate", "AtLeast", "AtMost", "Below", "Between", "Bounds",
        "Breakdown", "Call", "Claim", "CombinedLeastSquares", "ConfidenceBounds", "Cost", "Declared",
        "DistributionBounds", "Frontier", "Interval", "JointCDF", "Linear", "MakarovQuestion",
        "MarginalBalls", "Maximum",
        "NumericalDelta", "OverlappingBalls", "Product", "Put", "Question", "Radius", "RuleRanking",
        "SensitivityCurve", "Square", "WassersteinBall", "WassersteinHingeClassifier",
        "WassersteinHingeClassifierCV", "WassersteinLADRegression", "WassersteinLADRegressionCV",
        "WassersteinLinearRegression", "WassersteinLinearRegressionCV", "WassersteinLogisticRegression",
        "WassersteinLogisticRegressionCV", "WorstCase", "WorstCaseLaw", "average_effect_bounds",
        "bootstrap_radius", "bounds_interval", "breakdown_frontier", "breakdown_radius",
        "effect_deviation_bounds", "effect_distribution_bounds", "effect_quantile_bounds",
        "frechet_hoeffding_bounds", "makarov_bounds", "makarov_breakdown", "makarov_quantile_bounds",
        "makarov_worst_case", "observed_shift_radius", "profile_radius", "rank_rules", "robust_welfare",
        "sensitivity_curve", "squared_effect_bounds", "sum_value_at_risk_bounds",
        "worst_case_expectation", "worst_case_risk",
    },
}  # fmt: skip

SUBMODULES = {
    "beam", "bnb", "bounds", "control", "datasets", "distribution", "envelope", "evaluations", "exceptions",
    "harm", "levelset", "losses", "measures", "multiplicity", "results", "scip", "scores", "tail",
    "wasserstein",
}  # fmt: skip
ALIASES = {"expected_shortfall": "cvar"}
CONSTANTS = {"AILUMINATE_0_5", "AILUMINATE_1_0"}


def loaded_after(code: str) -> set[str]:
    """The top-level modules in memory after `code` in a new interpreter."""
    script = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "code",
    ["import riskstats", "from riskstats import bounds, control, measures, scores; dir(bounds); dir(scores)"],
)
def test_importing_the_package_loads_nothing_heavy(code):
    assert not HEAVY & loaded_after(code)


def test_a_distribution_needs_numpy_alone():
    loaded = loaded_after("import riskstats; riskstats.Distribution([1.0, 2.0])")
    assert "numpy" in loaded
    assert not (HEAVY - {"numpy"}) & loaded


def test_a_name_is_the_function_however_its_module_was_imported():
    for package, name in [("bounds", "dkw"), ("measures", "cvar"), ("bounds", "hoeffding")]:
        importlib.import_module(f"riskstats.{package}.{name}")
        assert inspect.isfunction(getattr(importlib.import_module(f"riskstats.{package}"), name))


@pytest.mark.parametrize("package", PUBLIC)
def test_the_public_surface_is_frozen(package):
    module = importlib.import_module(package)
    assert set(module.__all__) == PUBLIC[package]
    assert set(dir(module)) >= PUBLIC[package]


@pytest.mark.parametrize(
    ("package", "name"), [(package, name) for package in PUBLIC for name in sorted(PUBLIC[package])]
)
def test_every_public_name_loads(package, name):
    value = getattr(importlib.import_module(package), name)
    assert inspect.ismodule(value) == (name in SUBMODULES)
    if name not in CONSTANTS and not inspect.ismodule(value):
        assert value.__name__ == ALIASES.get(name, name)


@pytest.mark.parametrize("package", PUBLIC)
def test_type_checkers_see_the_same_names(package):
    module = importlib.import_module(package)
    tree = ast.parse(inspect.getsource(module))
    seen = {
        alias.asname: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == module._NAMES


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="module 'riskstats' has no attribute 'nonsense'"):
        _ = riskstats.nonsense


def test_the_version_is_the_installed_one():
    metadata = importlib.import_module("importlib.metadata")
    try:
        installed = metadata.version("riskstats")
    except metadata.PackageNotFoundError:
        pytest.skip("riskstats is not installed")
    assert installed == riskstats.__version__
