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
# # Train and compare
#
# A candidate beside the yardsticks, where it is good and where it is not, and what the gate would say. Run `make
# demo` first: this notebook reads its workspace (`MIA_HOME`, else `.mia` in the folder it runs in). It registers one
# more candidate there, as `mia train` does, and leaves the champion live.

# %%
import pandas as pd
from IPython.display import SVG

from mia.bootstrap import require_workspace
from mia.evaluation.figures import slices_figure
from mia.evaluation.measures import measures_table
from mia.evaluation.slices import Slice
from mia.settings import load_settings

workspace = require_workspace(load_settings())
champion = workspace.version("champion")
f"model {champion} is champion"

# %% [markdown]
# ## A candidate
#
# Does it take trees of 15 leaves? This one has 7. Every impression is joined to the profile as of its own day; the
# latest fifth of the days is held out, with a gap of one attribution window before it so that no label leaks.

# %%
trained = workspace.train(fit={"leaves": 7})
f"candidate {trained.version}: {trained.test_rows:,} impressions {' to '.join(trained.test_window)}"

# %% [markdown]
# `mia` is the candidate; the others are yardsticks, fitted on the same earlier days and measured on exactly these
# rows. A ranker that does not beat the popular order is not worth its upkeep.

# %%
measures_table(trained.table).to_pandas().set_index("ranker").round(4)

# %% [markdown]
# The same as paired differences, each with its 95 % interval over subscribers. The reference is the champion, on the
# rows that it has not learnt from; where those are too few it is the popular order, and the note says so. For log
# loss less is better.

# %%
evaluation = workspace.evaluation(trained.version)
pd.Series(evaluation["reference"])

# %%
pd.DataFrame(evaluation["gains_over_reference"]).T.round(4)

# %% [markdown]
# ## Reliability
#
# Arbitration multiplies acceptance by margin, so a stated 5 % has to be 5 %. Points on the diagonal are honest; a
# slope below 1 means that the model is too sure of itself.

# %%
folder = workspace.registry.fetch(trained.version)
SVG(filename=str(folder / "reliability.svg"))

# %%
pd.Series(evaluation["calibration"]).drop("bins")

# %% [markdown]
# ## Slices
#
# A good mean may hide a region that lost. Slices that are too small to be judged are listed without figures: unknown,
# not good.

# %%
figures = ["rows", "positives", "stated", "observed", "auc", "auc_gain.value", "auc_gain.low", "auc_gain.high"]
pd.json_normalize(evaluation["slices"]).set_index("name").filter(items=figures).round(3)

# %%
SVG(slices_figure(list(map(Slice.from_json, evaluation["slices"])), evaluation["reference"]["name"]))

# %% [markdown]
# ## What the model looks at
#
# Shares of the total gain by column. They say what the model uses to tell people apart, not what causes a connection.

# %%
SVG(filename=str(folder / "gains.svg"))

# %% [markdown]
# ## The gate
#
# What the gate says of the candidate now. Green passes, amber passes with a warning, red refuses, grey could not be
# judged. Nothing is stored and nothing goes live by looking.

# %%
verdict = workspace.judge(trained.version)
verdict.reasons or "every check passed"

# %%
pd.DataFrame(verdict.to_json()["checks"]).set_index("name").drop(columns="passed")

# %% [markdown]
# To let it go live: `mia promote VERSION`, which runs the gate again, stores the verdict with the model and writes
# its card; `mia rollback` is the way back.

# %%
workspace.close()
