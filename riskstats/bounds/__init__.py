"""Bounds that hold with a stated probability: on a mean, on every measure through a band, and on a choice."""

from typing import TYPE_CHECKING

from riskstats._lazy import attach

if TYPE_CHECKING:
    from riskstats.bounds.api import cdf_band as cdf_band
    from riskstats.bounds.api import lower_bound as lower_bound
    from riskstats.bounds.api import p_value as p_value
    from riskstats.bounds.api import upper_bound as upper_bound
    from riskstats.bounds.band import Band as Band
    from riskstats.bounds.band import Boundary as Boundary
    from riskstats.bounds.band import Family as Family
    from riskstats.bounds.base import Assumptions as Assumptions
    from riskstats.bounds.base import Bound as Bound
    from riskstats.bounds.base import MeanBound as MeanBound
    from riskstats.bounds.bentkus import Bentkus as Bentkus
    from riskstats.bounds.bentkus import bentkus as bentkus
    from riskstats.bounds.berk_jones import BerkJones as BerkJones
    from riskstats.bounds.berk_jones import berk_jones as berk_jones
    from riskstats.bounds.betting import Betting as Betting
    from riskstats.bounds.betting import betting as betting
    from riskstats.bounds.betting_sequence import BettingSequence as BettingSequence
    from riskstats.bounds.betting_sequence import BettingWealth as BettingWealth
    from riskstats.bounds.betting_sequence import betting_sequence as betting_sequence
    from riskstats.bounds.brown import Brown as Brown
    from riskstats.bounds.brown import brown as brown
    from riskstats.bounds.chernoff import Chernoff as Chernoff
    from riskstats.bounds.chernoff import chernoff as chernoff
    from riskstats.bounds.choose import recommend as recommend
    from riskstats.bounds.clopper_pearson import ClopperPearson as ClopperPearson
    from riskstats.bounds.clopper_pearson import clopper_pearson as clopper_pearson
    from riskstats.bounds.crossing import crossing_probability as crossing_probability
    from riskstats.bounds.dkw import DKW as DKW
    from riskstats.bounds.dkw import dkw as dkw
    from riskstats.bounds.empirical_bernstein import EmpiricalBernstein as EmpiricalBernstein
    from riskstats.bounds.empirical_bernstein import empirical_bernstein as empirical_bernstein
    from riskstats.bounds.empirical_bernstein_sequence import (
        EmpiricalBernsteinSequence as EmpiricalBernsteinSequence,
    )
    from riskstats.bounds.empirical_bernstein_sequence import (
        empirical_bernstein_sequence as empirical_bernstein_sequence,
    )
    from riskstats.bounds.hoeffding import Hoeffding as Hoeffding
    from riskstats.bounds.hoeffding import hoeffding as hoeffding
    from riskstats.bounds.hoeffding_bentkus import HoeffdingBentkus as HoeffdingBentkus
    from riskstats.bounds.hoeffding_bentkus import hoeffding_bentkus as hoeffding_bentkus
    from riskstats.bounds.kolmogorov_smirnov import KolmogorovSmirnov as KolmogorovSmirnov
    from riskstats.bounds.kolmogorov_smirnov import kolmogorov_smirnov as kolmogorov_smirnov
    from riskstats.bounds.multiple_testing import bonferroni as bonferroni
    from riskstats.bounds.multiple_testing import fixed_sequence as fixed_sequence
    from riskstats.bounds.multiple_testing import holm as holm
    from riskstats.bounds.multiple_testing import holm_adjusted as holm_adjusted
    from riskstats.bounds.multiple_testing import sequential_graphical as sequential_graphical
    from riskstats.bounds.order_statistics import OrderStatisticBand as OrderStatisticBand
    from riskstats.bounds.order_statistics import order_statistic_band as order_statistic_band
    from riskstats.bounds.parse import parse_bound as parse_bound
    from riskstats.bounds.per_item import per_item_bound as per_item_bound
    from riskstats.bounds.per_item import per_item_p_value as per_item_p_value
    from riskstats.bounds.quantile_sequence import QuantileSequence as QuantileSequence
    from riskstats.bounds.result import RiskBound as RiskBound
    from riskstats.bounds.rockafellar_uryasev import RockafellarUryasev as RockafellarUryasev
    from riskstats.bounds.rockafellar_uryasev import rockafellar_uryasev as rockafellar_uryasev
    from riskstats.bounds.sample import Sample as Sample
    from riskstats.bounds.split_bound import SplitBound as SplitBound
    from riskstats.bounds.thomas_learned_miller import ThomasLearnedMiller as ThomasLearnedMiller
    from riskstats.bounds.thomas_learned_miller import thomas_learned_miller as thomas_learned_miller
    from riskstats.bounds.units import failure_at_k as failure_at_k
    from riskstats.bounds.units import unit_losses as unit_losses

_NAMES = {
    "Assumptions": "riskstats.bounds.base",
    "Band": "riskstats.bounds.band",
    "Bentkus": "riskstats.bounds.bentkus",
    "BerkJones": "riskstats.bounds.berk_jones",
    "Betting": "riskstats.bounds.betting",
    "BettingSequence": "riskstats.bounds.betting_sequence",
    "BettingWealth": "riskstats.bounds.betting_sequence",
    "Bound": "riskstats.bounds.base",
    "Boundary": "riskstats.bounds.band",
    "Brown": "riskstats.bounds.brown",
    "Chernoff": "riskstats.bounds.chernoff",
    "ClopperPearson": "riskstats.bounds.clopper_pearson",
    "DKW": "riskstats.bounds.dkw",
    "EmpiricalBernstein": "riskstats.bounds.empirical_bernstein",
    "EmpiricalBernsteinSequence": "riskstats.bounds.empirical_bernstein_sequence",
    "Family": "riskstats.bounds.band",
    "Hoeffding": "riskstats.bounds.hoeffding",
    "HoeffdingBentkus": "riskstats.bounds.hoeffding_bentkus",
    "KolmogorovSmirnov": "riskstats.bounds.kolmogorov_smirnov",
    "MeanBound": "riskstats.bounds.base",
    "OrderStatisticBand": "riskstats.bounds.order_statistics",
    "QuantileSequence": "riskstats.bounds.quantile_sequence",
    "RiskBound": "riskstats.bounds.result",
    "RockafellarUryasev": "riskstats.bounds.rockafellar_uryasev",
    "Sample": "riskstats.bounds.sample",
    "SplitBound": "riskstats.bounds.split_bound",
    "ThomasLearnedMiller": "riskstats.bounds.thomas_learned_miller",
    "bentkus": "riskstats.bounds.bentkus",
    "berk_jones": "riskstats.bounds.berk_jones",
    "betting": "riskstats.bounds.betting",
    "betting_sequence": "riskstats.bounds.betting_sequence",
    "bonferroni": "riskstats.bounds.multiple_testing",
    "brown": "riskstats.bounds.brown",
    "cdf_band": "riskstats.bounds.api",
    "chernoff": "riskstats.bounds.chernoff",
    "clopper_pearson": "riskstats.bounds.clopper_pearson",
    "crossing_probability": "riskstats.bounds.crossing",
    "dkw": "riskstats.bounds.dkw",
    "empirical_bernstein": "riskstats.bounds.empirical_bernstein",
    "empirical_bernstein_sequence": "riskstats.bounds.empirical_bernstein_sequence",
    "failure_at_k": "riskstats.bounds.units",
    "fixed_sequence": "riskstats.bounds.multiple_testing",
    "hoeffding": "riskstats.bounds.hoeffding",
    "hoeffding_bentkus": "riskstats.bounds.hoeffding_bentkus",
    "holm": "riskstats.bounds.multiple_testing",
    "holm_adjusted": "riskstats.bounds.multiple_testing",
    "kolmogorov_smirnov": "riskstats.bounds.kolmogorov_smirnov",
    "lower_bound": "riskstats.bounds.api",
    "order_statistic_band": "riskstats.bounds.order_statistics",
    "p_value": "riskstats.bounds.api",
    "parse_bound": "riskstats.bounds.parse",
    "per_item_bound": "riskstats.bounds.per_item",
    "per_item_p_value": "riskstats.bounds.per_item",
    "recommend": "riskstats.bounds.choose",
    "rockafellar_uryasev": "riskstats.bounds.rockafellar_uryasev",
    "sequential_graphical": "riskstats.bounds.multiple_testing",
    "thomas_learned_miller": "riskstats.bounds.thomas_learned_miller",
    "unit_losses": "riskstats.bounds.units",
    "upper_bound": "riskstats.bounds.api",
}

__getattr__, __dir__, __all__ = attach(__name__, _NAMES)
