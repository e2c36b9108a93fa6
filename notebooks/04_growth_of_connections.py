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
# # Growth of connections
#
# How connections grew since a baseline month, by macro-region, and in which arm of the experiment. Run `make demo`
# first: this notebook reads its workspace (`MIA_HOME`, else `.mia` in the folder it runs in) and changes nothing in
# it.

# %%
from IPython.display import SVG

from mia.api.dashboard.charts import Brush
from mia.api.dashboard.charts.drawn import draw_connections, draw_index
from mia.api.dashboard.series import build_series
from mia.bootstrap import require_workspace
from mia.domain.offer import Language
from mia.settings import load_settings
from mia.uptake.growth import name_unknown

workspace, brush = require_workspace(load_settings()), Brush(Language.EN, solid=True)
uptake = workspace.uptake
baseline, *later = uptake.months()
f"events from {baseline} on, {len(later)} months after it"

# %% [markdown]
# ## The headline
#
# Up to the newest complete month: a month that still runs is no growth of a month.

# %%
headline = uptake.headline(workspace.settings.headline, baseline)
headline.sentence

# %% [markdown]
# Cumulative connections can only rise, and rise fast while the service is young: the month against the month beside
# it keeps the sense of proportion.

# %%
f"cumulative {headline.growth_percent:+.1f} %, month against month {headline.monthly_growth_percent:+.1f} %"

# %% [markdown]
# ## By macro-region
#
# A connection counts once, in the month it began: repeated events and switching off and on again change nothing.

# %%
table = name_unknown(uptake.table(baseline, by="macro_region"))
table.to_pandas().set_index(["group", "month"]).sort_index()

# %% [markdown]
# The growth index: cumulative connections divided by those at the end of the baseline month. Hollow points are months
# that are not complete.

# %%
by_region = build_series(table.to_pylist(), str)
SVG(draw_index(by_region, [], brush))

# %% [markdown]
# An index hides size: a region that began with three connections doubles easily. New connections by month:

# %%
SVG(draw_connections(by_region, [], brush))

# %% [markdown]
# ## By arm
#
# The control arm gets no personalised offers. Growth that both arms share is not MIA's doing. The arms differ in
# size, so compare their growth and not their counts.

# %%
by_arm = name_unknown(uptake.table(baseline, by="arm"))
by_arm.to_pandas().set_index(["group", "month"]).sort_index()

# %%
SVG(draw_index(build_series(by_arm.to_pylist(), str), [], brush))

# %% [markdown]
# What every figure means: [docs/uptake.md](../docs/uptake.md). The same on the command line: `mia uptake --baseline
# 2021-01 --by macro_region`.

# %%
workspace.close()
