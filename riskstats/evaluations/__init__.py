"""Evaluation logs as one honest table, and the statistics that serve every safety benchmark."""

from typing import TYPE_CHECKING

from riskstats._lazy import attach

if TYPE_CHECKING:
    from riskstats.evaluations.agreement import JudgeAgreement as JudgeAgreement
    from riskstats.evaluations.agreement import judge_agreement as judge_agreement
    from riskstats.evaluations.attacks import AttackMatrix as AttackMatrix
    from riskstats.evaluations.attacks import attack_matrix as attack_matrix
    from riskstats.evaluations.attempts import AtLeastOne as AtLeastOne
    from riskstats.evaluations.attempts import at_least_one as at_least_one
    from riskstats.evaluations.contrast import ContrastPairs as ContrastPairs
    from riskstats.evaluations.contrast import contrast_pairs as contrast_pairs
    from riskstats.evaluations.contrast import match_twins as match_twins
    from riskstats.evaluations.design import Design as Design
    from riskstats.evaluations.design import design_matrix as design_matrix
    from riskstats.evaluations.factors import FactorEffects as FactorEffects
    from riskstats.evaluations.factors import factor_effects as factor_effects
    from riskstats.evaluations.judges import CorrectedRate as CorrectedRate
    from riskstats.evaluations.judges import judge_corrected_rate as judge_corrected_rate
    from riskstats.evaluations.missingness import Missingness as Missingness
    from riskstats.evaluations.ordinal import OrdinalSummary as OrdinalSummary
    from riskstats.evaluations.ordinal import ordinal_summary as ordinal_summary
    from riskstats.evaluations.paired import PairedComparison as PairedComparison
    from riskstats.evaluations.paired import paired_comparison as paired_comparison
    from riskstats.evaluations.pooled import PooledRates as PooledRates
    from riskstats.evaluations.pooled import pooled_rates as pooled_rates
    from riskstats.evaluations.proportions import proportion_interval as proportion_interval
    from riskstats.evaluations.rates import RateReport as RateReport
    from riskstats.evaluations.rates import rate_interval as rate_interval
    from riskstats.evaluations.readers.log import read_log as read_log
    from riskstats.evaluations.report import evaluation_report as evaluation_report
    from riskstats.evaluations.report_result import EvaluationReport as EvaluationReport
    from riskstats.evaluations.roll_up import RollUp as RollUp
    from riskstats.evaluations.roll_up import roll_up as roll_up
    from riskstats.evaluations.scale import Scale as Scale
    from riskstats.evaluations.table import OutcomeTable as OutcomeTable
    from riskstats.evaluations.taxonomy import Taxonomy as Taxonomy
    from riskstats.evaluations.traces import TraceSummary as TraceSummary
    from riskstats.evaluations.traces import kaplan_meier as kaplan_meier
    from riskstats.evaluations.traces import trace_summary as trace_summary
    from riskstats.evaluations.zones import Zone as Zone
    from riskstats.evaluations.zones import zone as zone

_NAMES = {
    "AtLeastOne": "riskstats.evaluations.attempts",
    "AttackMatrix": "riskstats.evaluations.attacks",
    "ContrastPairs": "riskstats.evaluations.contrast",
    "CorrectedRate": "riskstats.evaluations.judges",
    "Design": "riskstats.evaluations.design",
    "EvaluationReport": "riskstats.evaluations.report_result",
    "FactorEffects": "riskstats.evaluations.factors",
    "JudgeAgreement": "riskstats.evaluations.agreement",
    "Missingness": "riskstats.evaluations.missingness",
    "OrdinalSummary": "riskstats.evaluations.ordinal",
    "OutcomeTable": "riskstats.evaluations.table",
    "PairedComparison": "riskstats.evaluations.paired",
    "PooledRates": "riskstats.evaluations.pooled",
    "RateReport": "riskstats.evaluations.rates",
    "RollUp": "riskstats.evaluations.roll_up",
    "Scale": "riskstats.evaluations.scale",
    "Taxonomy": "riskstats.evaluations.taxonomy",
    "TraceSummary": "riskstats.evaluations.traces",
    "Zone": "riskstats.evaluations.zones",
    "at_least_one": "riskstats.evaluations.attempts",
    "attack_matrix": "riskstats.evaluations.attacks",
    "contrast_pairs": "riskstats.evaluations.contrast",
    "design_matrix": "riskstats.evaluations.design",
    "evaluation_report": "riskstats.evaluations.report",
    "factor_effects": "riskstats.evaluations.factors",
    "judge_agreement": "riskstats.evaluations.agreement",
    "judge_corrected_rate": "riskstats.evaluations.judges",
    "kaplan_meier": "riskstats.evaluations.traces",
    "match_twins": "riskstats.evaluations.contrast",
    "ordinal_summary": "riskstats.evaluations.ordinal",
    "paired_comparison": "riskstats.evaluations.paired",
    "pooled_rates": "riskstats.evaluations.pooled",
    "proportion_interval": "riskstats.evaluations.proportions",
    "rate_interval": "riskstats.evaluations.rates",
    "read_log": "riskstats.evaluations.readers.log",
    "roll_up": "riskstats.evaluations.roll_up",
    "trace_summary": "riskstats.evaluations.traces",
    "zone": "riskstats.evaluations.zones",
}

__getattr__, __dir__, __all__ = attach(__name__, _NAMES)
