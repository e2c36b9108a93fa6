/* Scores and SHAP values of boosted trees with numeric splits.
 *
 * A tree is a set of leaves, one bit each, from left to right; a tree of more than 64 leaves has several words. A node
 * at which a row goes right rules out the leaves of its left subtree, and the lowest bit left is the leaf of the row
 * (Lucchese, C. et al. (2015), QuickScorer). Ruling out is an intersection, so features may be looked at in any order
 * and apart from each other: what a subscriber rules out is worked out once for all of the offers.
 *
 * Nothing here keeps state: several threads may call at once. Compiled without contraction, sums keep LightGBM's order.
 */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define LANES 8
#define TOGETHER 4

/* Vectors of GCC and Clang, on whatever the processor has; memory of theirs is aligned as doubles are. */
typedef double lanes __attribute__((vector_size(8 * LANES), aligned(8)));
typedef int64_t bits __attribute__((vector_size(8 * LANES), aligned(8)));
static const lanes ONE = {1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0};

typedef struct {
    double threshold; /* the row goes right above it */
    uint64_t kept;    /* the leaves that are left then */
    int64_t word;
} step;

typedef struct {
    int64_t trees, words;
    const step *steps;           /* by feature, then by threshold, ascending */
    const int64_t *step_start;   /* features + 1 */
    const step *absent;          /* the steps taken where the value is missing, by feature */
    const int64_t *absent_start; /* features + 1 */
    const uint8_t *zero_absent;  /* features: a zero counts as missing */
    const int64_t *word_start;   /* trees + 1 */
    const int64_t *leaf_start;   /* trees */
    const double *leaves;
} forest;

typedef struct {
    const void *values; /* rows x columns, each row in one piece */
    int64_t stride;     /* bytes from row to row, 0 where all pairs have the same one */
    int64_t single;     /* floats instead of doubles */
    int64_t columns;
    const int64_t *features; /* columns: which feature each is */
} block;

typedef struct {
    const uint64_t *words; /* rows x words */
    const int64_t *index;  /* of each pair, or none: pair i has row i */
} shared;

/* A value as LightGBM sees it: what is next to nothing, by a float of its own, is 0, or missing where zeros are. */
static inline double seen(const forest *f, int64_t feature, double value) {
    static const double nothing = 1e-35f;
    return fabs(value) <= nothing ? (f->zero_absent[feature] ? NAN : 0.0) : value;
}

static inline double cell(const forest *f, const block *from, int64_t row, int64_t column) {
    const char *values = (const char *)from->values + row * from->stride;
    return seen(f, from->features[column],
                from->single ? (double)((const float *)values)[column] : ((const double *)values)[column]);
}

/* The steps of one feature from the given one on; returns the first that is not taken. */
static inline const step *walk(const forest *f, int64_t feature, const step *at, double value, uint64_t *words) {
    const step *end = f->steps + f->step_start[feature + 1];
    for (; at < end && value > at->threshold; at++) words[at->word] &= at->kept;
    return at;
}

/* What a row of a block rules out; `begun`, where given, are the first steps that are not yet taken. */
static inline void rule_out(const forest *f, const block *from, int64_t row, const step **begun, uint64_t *words) {
    for (int64_t column = 0; column < from->columns; column++) {
        const int64_t feature = from->features[column];
        const double value = cell(f, from, row, column);
        if (isnan(value)) {
            const step *at = f->absent + f->absent_start[feature], *end = f->absent + f->absent_start[feature + 1];
            for (; at < end; at++) words[at->word] &= at->kept;
        } else {
            walk(f, feature, begun ? begun[column] : f->steps + f->step_start[feature], value, words);
        }
    }
}

/* What all pairs [start, end) rule out, so that it is looked at once: the steps below the least value of a column. */
static void rule_out_common(const forest *f, const block *from, int64_t start, int64_t end, const step **begun,
                            uint64_t *words) {
    for (int64_t column = 0; column < from->columns; column++) {
        const int64_t feature = from->features[column];
        double least = INFINITY;
        for (int64_t row = start; row < end && !isnan(least); row++) {
            const double value = cell(f, from, row, column);
            least = value >= least ? least : value;
        }
        begun[column] = walk(f, feature, f->steps + f->step_start[feature], least, words);
    }
}

/* What each row of a block leaves of every tree. */
void forest_share(const forest *f, const block *from, int64_t start, int64_t end, uint64_t *out) {
    for (int64_t row = start; row < end; row++) {
        uint64_t *words = out + row * f->words;
        for (int64_t word = 0; word < f->words; word++) words[word] = ~UINT64_C(0);
        rule_out(f, from, row, NULL, words);
    }
}

static void gather(const forest *f, const shared *shares, int64_t count, const block *blocks, int64_t direct,
                   const step **begun, const uint64_t *restrict common, int64_t pair, uint64_t *restrict words) {
    for (int64_t word = 0; word < f->words; word++) words[word] = common[word];
    for (int64_t place = 0; place < count; place++) {
        const shared *one = shares + place;
        const uint64_t *restrict from = one->words + (one->index ? one->index[pair] : pair) * f->words;
        for (int64_t word = 0; word < f->words; word++) words[word] &= from[word];
    }
    for (int64_t place = 0; place < direct; begun += blocks[place].columns, place++)
        if (blocks[place].stride) rule_out(f, blocks + place, pair, begun, words);
}

static double sum_leaves(const forest *f, const uint64_t *words) {
    double sum = 0.0;
    for (int64_t tree = 0; tree < f->trees; tree++) {
        int64_t word = f->word_start[tree], first = word;
        while (!words[word]) word++;
        sum += f->leaves[f->leaf_start[tree] + 64 * (word - first) + __builtin_ctzll(words[word])];
    }
    return sum;
}

/* Raw scores of the pairs [start, end); returns 0, or 1 where memory is short. */
int forest_score(const forest *f, const shared *shares, int64_t count, const block *blocks, int64_t direct,
                 int64_t start, int64_t end, double *out) {
    const int64_t width = f->words;
    int64_t columns = 0, pair = start;
    for (int64_t place = 0; place < direct; place++) columns += blocks[place].columns;
    uint64_t *words = malloc((size_t)((TOGETHER + 1) * width) * sizeof(uint64_t));
    const step **begun = malloc((size_t)(columns + 1) * sizeof(step *));
    if (!words || !begun) return free(words), free(begun), 1;
    uint64_t *common = words + TOGETHER * width;
    for (int64_t word = 0; word < width; word++) common[word] = ~UINT64_C(0);
    for (int64_t place = 0, column = 0; place < direct; column += blocks[place].columns, place++) {
        if (blocks[place].stride)
            rule_out_common(f, blocks + place, start, end, begun + column, common);
        else
            rule_out(f, blocks + place, 0, NULL, common);
    }
    if (f->words == f->trees) {
        /* One word a tree: four pairs at once, so that no sum waits for itself. */
        for (; pair + TOGETHER <= end; pair += TOGETHER) {
            double sum[TOGETHER] = {0.0};
            for (int64_t k = 0; k < TOGETHER; k++)
                gather(f, shares, count, blocks, direct, begun, common, pair + k, words + k * width);
            for (int64_t tree = 0; tree < f->trees; tree++) {
                const double *leaves = f->leaves + f->leaf_start[tree];
                for (int64_t k = 0; k < TOGETHER; k++) sum[k] += leaves[__builtin_ctzll(words[k * width + tree])];
            }
            for (int64_t k = 0; k < TOGETHER; k++) out[pair + k] = sum[k];
        }
    }
    for (; pair < end; pair++) {
        gather(f, shares, count, blocks, direct, begun, common, pair, words);
        out[pair] = sum_leaves(f, words);
    }
    free(words);
    free(begun);
    return 0;
}

/* The sigmoid as LightGBM's binary objective takes it. */
void forest_sigmoid(int64_t count, double steepness, double *values) {
    for (int64_t place = 0; place < count; place++) values[place] = 1.0 / (1.0 + exp(-steepness * values[place]));
}

typedef struct {
    double threshold;
    double left;  /* share of the training rows that went left */
    int32_t feature; /* its last bit: a missing value goes right */
    int32_t above;   /* the node that asked for the feature before, else the node; last bit: the way from there */
    int32_t child[2];
} node;

typedef struct {
    int64_t trees, largest; /* trees with a split, and the most inner nodes of one */
    const node *nodes;      /* by tree, parents before children */
    const int64_t *node_start; /* trees + 1 */
    const double *leaves;
    const int64_t *leaf_start;
    const int64_t *groups; /* trees: how many times LANES Gauss points on [0, 1] */
    const double *points;  /* those of one group, of two, ... */
    const double *weights;
} splits;

typedef struct {
    lanes reach; /* weight of the way to here */
    lanes below; /* what the leaves below are worth from here */
} visit;

typedef struct {
    lanes again;   /* 1 / chance to agree with what was asked of the feature before */
    lanes unknown; /* chance that the feature is not known yet, for a row that agreed */
} asked;

typedef struct {
    int32_t hot, cold; /* the child that the row goes to, and the other one */
    int64_t right;
    int64_t alive; /* all bits where the row agreed with what was asked of the feature before, else none */
    double share;  /* of the training rows that go to the other child */
} turn;

static inline lanes either(int64_t which, lanes one, lanes other) {
    const bits mask = (bits){0} + which;
    return (lanes)(((bits)one & mask) | ((bits)other & ~mask));
}

/* What each feature adds to one row in one tree, at LANES points t of the integral.
 *
 * When a feature is known with chance t, a node splits the weight of its way: to the side that the row does not go
 * leads the part (1 - t) x [share of the training rows there], to the other one the rest. A feature that was asked
 * before is known already with a chance that Bayes' rule gives; one that the row did not agree with says nothing more.
 * The derivative by the feature's own chance, times 1 - t, is what it adds.
 */
static void explain_tree(const node *nodes, int64_t count, const double *values, const asked *asks, turn *turns,
                         visit *visits, lanes *phi) {
    for (int64_t place = 0; place < count; place++) {
        const node *at = nodes + place;
        const double value = values[at->feature >> 1];
        const int64_t right = value != value ? at->feature & 1 : value > at->threshold;
        const turn *above = turns + (at->above >> 1);
        const int64_t agreed = above->alive & -(int64_t)(above->right == (at->above & 1));
        const int64_t alive = -(int64_t)(at->above >> 1 == place) | agreed;
        turns[place] = (turn){at->child[right], at->child[!right], right, alive, fabs((double)!right - at->left)};
        const lanes reach = visits[place].reach, unknown = either(alive, asks[place].unknown, ONE);
        const lanes cold = reach * (unknown * turns[place].share);
        visits[at->child[!right]].reach = cold;
        visits[at->child[right]].reach = reach - cold;
    }
    for (int64_t place = count - 1; place >= 0; place--) {
        const turn *here = turns + place;
        const visit *cold = visits + here->cold;
        const lanes hot = visits[here->hot].below, gain = hot - cold->below;
        phi[nodes[place].feature >> 1] += either(here->alive, asks[place].again * cold->reach * gain, (lanes){0.0});
        visits[place].below = hot - either(here->alive, asks[place].unknown, ONE) * here->share * gain;
    }
}

/* SHAP values of rows x features, written to out (rows x features); returns 0, or 1 where memory is short.
 *
 * On the path to one leaf, the rows that reach it when only the features of a set S are known weigh the product of
 * agreement (0 or 1) over S and of the shares elsewhere. The Shapley value of such a product is an integral of a
 * polynomial (Owen, G. (1972)), which as many Gauss points as half of the features on the path give exactly; for all
 * leaves at once its values are made on the way down a tree and up again (Yu, P. et al. (2022), Linear TreeShap).
 */
int forest_explain(const forest *f, const splits *s, int64_t features, int64_t rows, const double *matrix,
                   double *out) {
    const size_t cells = (size_t)(rows * features), slots = (size_t)(2 * s->largest + 1);
    const size_t slot = sizeof(visit) + sizeof(asked) + sizeof(turn) + sizeof(double);
    const size_t size = cells * (sizeof(lanes) + sizeof(double)) + slots * slot;
    char *memory = malloc(size + sizeof(lanes));
    if (!memory) return 1;
    /* Lanes that lie across two lines of the cache are slow. */
    lanes *phi = (lanes *)(memory + sizeof(lanes) - (uintptr_t)memory % sizeof(lanes));
    visit *visits = (visit *)(phi + cells);
    asked *asks = (asked *)(visits + slots);
    turn *turns = (turn *)(asks + slots);
    double *known = (double *)(turns + slots); /* share of the training rows that agreed with what was asked before */
    double *values = known + slots;
    for (size_t cell = 0; cell < cells; cell++) {
        values[cell] = seen(f, (int64_t)cell % features, matrix[cell]);
        phi[cell] = (lanes){0.0};
    }
    for (int64_t tree = 0; tree < s->trees; tree++) {
        const int64_t start = s->node_start[tree], count = s->node_start[tree + 1] - start, groups = s->groups[tree];
        for (int64_t leaf = 0; leaf <= count; leaf++)
            visits[count + leaf].below = ONE * s->leaves[s->leaf_start[tree] + leaf];
        for (int64_t group = groups * (groups - 1) / 2; group < groups * (groups + 1) / 2; group++) {
            const lanes t = ((const lanes *)s->points)[group], rest = ONE - t;
            for (int64_t place = 0; place < count; place++) {
                const node *at = s->nodes + start + place;
                const int64_t above = at->above >> 1;
                const double left = s->nodes[start + above].left;
                known[place] = above == place ? 1.0 : known[above] * (at->above & 1 ? 1.0 - left : left);
                asks[place].again = above == place ? ONE : ONE / (t + rest * known[place]);
                asks[place].unknown = rest * known[place] * asks[place].again;
            }
            visits[0].reach = ((const lanes *)s->weights)[group] / rest;
            for (int64_t row = 0; row < rows; row++)
                explain_tree(s->nodes + start, count, values + row * features, asks, turns, visits,
                             phi + row * features);
        }
    }
    for (size_t cell = 0; cell < cells; cell++)
        for (int lane = 0; lane < LANES; lane++) out[cell] = (lane ? out[cell] : 0.0) + phi[cell][lane];
    free(memory);
    return 0;
}
