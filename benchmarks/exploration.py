"""Microseconds that a policy adds to a decision: order and exact propensities of what is shown.

make bench-exploration
"""

import time

import numpy as np

from mia.ranking.exploration import EpsilonUniform, OptimisticPlackettLuce, PlackettLuce, Prospects

ROUNDS, DRAWS = 20, 50


def main() -> None:
    rng = np.random.default_rng(1)
    print("policy                       offers places   median us  processor us")
    for policy in (EpsilonUniform(0.1), PlackettLuce(0.1, 0.5), OptimisticPlackettLuce(0.1, 0.5, 1.0)):
        for offers in (10, 40, 60):
            prospects = Prospects(rng.lognormal(0, 1, offers), rng.random(offers), rng.random(offers))
            for places in (1, 3, 10):
                walls, cpus = [], []
                for _ in range(ROUNDS):
                    wall, cpu = time.perf_counter(), time.process_time()
                    for seed in range(DRAWS):
                        policy.draw(prospects, places, seed)
                    walls.append((time.perf_counter() - wall) / DRAWS)
                    cpus.append((time.process_time() - cpu) / DRAWS)
                name = f"{policy.name:<28} {offers:>6} {places:>6}"
                print(f"{name} {np.median(walls) * 1e6:>10.0f} {np.median(cpus) * 1e6:>12.0f}")


if __name__ == "__main__":
    main()
