# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: -all
#     formats: ipynb,py:percent
#     notebook_metadata_filter: kernelspec,jupytext,-jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Off-policy what-if
#
# What would another policy have earned? The live policy explores and stores the exact propensity of every offer
# shown, so its log can answer, as far as it shows what the other policy would have shown. Run `make demo` first: this
# notebook reads its workspace (`MIA_HOME`, else `.mia` in the folder it runs in) and changes nothing in it.

# %%
from IPython.display import SVG

from mia.bootstrap import require_workspace
from mia.evaluation.figures import values_figure
from mia.evaluation.measures import measures_table
from mia.evaluation.off_policy import support_table, values_table
from mia.settings import load_settings

workspace = require_workspace(load_settings())
champion = workspace.version("champion")

# %% [markdown]
# ## The question
#
# The champion, always showing its best offer in first place, against simpler orders. It is answered on impressions
# after its training where there are any, else on the later days that were kept back when it was evaluated (`fresh` is
# false then). Never on what it learnt from.

# %%
found = workspace.evaluator().evaluate(
    champion,
    workspace.catalogue().offers,
    until=workspace.end_of_events(),
    attribution_days=workspace.settings.training.attribution_days,
    policies=(),
)
f"model {champion}, fresh: {found.fresh}; {found.rows:,} impressions {' to '.join(found.window)}"

# %% [markdown]
# How well each ranks and states acceptance, on the same rows:

# %%
measures_table(found.table).to_pandas().set_index("ranker").round(4)

# %% [markdown]
# ## How much the log can say
#
# Look here before looking at any value. `effective_size` is the number of equally weighted impressions that the log
# is worth for this policy, and `matched` the share in which it showed what the policy would have shown. A policy
# unlike the live one has few, and its value is then a guess with a wide interval.

# %%
support_table(found.policies).to_pandas().set_index("policy").round(3)

# %% [markdown]
# ## What each would have earned
#
# Connections an impression, with 95 % intervals over subscribers. IPS weighs every matching impression by one over
# its propensity: right on average, but unsteady. SNIPS divides by the sum of those weights: steadier, at the price of
# a small bias. Where the two lie far apart, the log is too thin. [docs/ranking.md](../docs/ranking.md) has formulas
# and sources.

# %%
values = values_table(found.policies)
values.to_pandas().set_index(["policy", "estimator"]).round(4)

# %%
SVG(values_figure(values))

# %% [markdown]
# Intervals of two policies on one log rest on the same impressions, so that they overlap does not mean that the
# policies are equal. Whether a candidate is worse than what is live is asked by the gate, paired on the same
# resamples:

# %%
workspace.evaluation(champion)["policy_gain"]

# %% [markdown]
# The same on the command line, for any model: `mia evaluate VERSION --policy mia --policy popular`.

# %%
workspace.close()
