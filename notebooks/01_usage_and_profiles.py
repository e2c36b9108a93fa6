# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Usage and profiles
#
# What a profile says of a subscriber. Run `make demo` first; this notebook reads its workspace (`MIA_HOME`, `.mia` by
# default). Open it with `pip install 'mia[notebooks]'` as a paired notebook, or run it as a plain script.

# %%
import altair as alt
import pyarrow as pa

from mia.bootstrap import open_workspace
from mia.profiles.features import describe
from mia.settings import load_settings
from mia.timeline import day_of_text

workspace = open_workspace(load_settings())
snapshot = str(workspace.profiles.current())
as_of = day_of_text(snapshot.partition(".")[0])

# %% [markdown]
# Every feature is declared once, with its unit and window:

# %%
describe()[:5]

# %% [markdown]
# The profiles of the day of the newest snapshot, one row a subscriber:

# %%
parts = workspace.builder.of_day(workspace.current_offers(), as_of)
profiles = pa.concat_tables(part.features for part in parts)
profiles.select(["subscriber_id", "data_mb_30d", "voice_minutes_30d", "charge_sum_30d"]).slice(0, 5)

# %% [markdown]
# Data is spread over orders of magnitude: a few heavy users, many light ones.

# %%
alt.Chart(profiles.select(["data_mb_30d"])).mark_bar().encode(
    x=alt.X("data_mb_30d:Q", bin=alt.Bin(maxbins=40), title="MiB in 30 days"),
    y=alt.Y("count()", title="subscribers"),
).properties(width=480, height=220)

# %% [markdown]
# Talkers and surfers are not the same people:

# %%
alt.Chart(profiles.select(["data_mb_30d", "voice_minutes_30d"])).mark_circle(opacity=0.3).encode(
    x=alt.X("data_mb_30d:Q", scale=alt.Scale(type="symlog"), title="MiB in 30 days"),
    y=alt.Y("voice_minutes_30d:Q", scale=alt.Scale(type="symlog"), title="minutes in 30 days"),
).properties(width=480, height=320)

# %%
workspace.close()
