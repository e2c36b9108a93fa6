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
# # Usage and profiles
#
# What came in, and what a profile says of a subscriber. Run `make demo` first: this notebook reads its workspace
# (`MIA_HOME`, else `.mia` in the folder it runs in) and changes nothing in it.

# %%
import pandas as pd
from IPython.display import SVG

from mia.bootstrap import require_workspace
from mia.drawing import THEMES, paint
from mia.profiles.features import describe
from mia.profiles.figures import pair_figure, spread_figure
from mia.quality.figures import draw_figures
from mia.settings import load_settings
from mia.timeline import date_of, day_of_text

workspace = require_workspace(load_settings())
snapshot = str(workspace.profiles.current())
as_of = day_of_text(snapshot.partition(".")[0])
f"profiles as of {date_of(as_of)}"

# %% [markdown]
# ## Usage
#
# Before looking at people, look at the records: a day that is missing makes everybody look quieter. These are the
# checks of `mia validate`, as of the day of the profiles.

# %%
report = workspace.validate(as_of)
pd.DataFrame(report.to_json()["checks"]).drop(columns="examples").set_index("name")

# %% [markdown]
# Each kind of record by day, on its own scale. Dashed is the median of the same weekday in the weeks before: weekends
# differ from working days, and fees and top-ups follow the calendar month.

# %%
volumes, completeness, silence, lateness = draw_figures(report)
SVG(paint(volumes.drawings["wide"], THEMES["light"]))

# %% [markdown]
# Who fell silent, by region:

# %%
SVG(paint(silence.drawings["wide"], THEMES["light"]))

# %% [markdown]
# ## Profiles
#
# Every feature is declared once, with its unit and window; [docs/profiles.md](../docs/profiles.md) has them all.

# %%
pd.DataFrame(describe()).head(12)

# %% [markdown]
# A profile as of day D is what was known at 00:00 local time of D. One row a subscriber:

# %%
features = workspace.builder.features_of_day(workspace.current_offers(), as_of)
shown = ["subscriber_id", "tenure_days", "data_mb_30d", "voice_minutes_30d", "charge_sum_30d", "days_since_top_up"]
features.select(shown).slice(0, 8).to_pandas()

# %%
features.select(shown[1:]).to_pandas().describe().round(1)

# %% [markdown]
# Data is spread over orders of magnitude: a few heavy users, many light ones. A mean says little about anybody.

# %%
SVG(spread_figure(features, "data_mb_30d", "MiB in 30 days"))

# %% [markdown]
# Talkers and surfers are not the same people, which is why one order of offers cannot suit all:

# %%
SVG(pair_figure(features, "data_mb_30d", "voice_minutes_30d", ("MiB in 30 days", "minutes in 30 days")))

# %%
workspace.close()
