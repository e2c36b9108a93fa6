/* Scores and reasons of boosted trees with numeric splits.
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

#define ROWS 4   /* explained side by side */
#define POINTS 2 /* of the integral, for each of them */
#define LANES (ROWS * POINTS)
#define TOGETHER 4

/* Vectors of GCC and Clang, on whatever the processor has. */
typedef float lanes __attribute__((vector_size(4 * LANES)));
typedef int32_t bits __attribute__((vector_size(4 * LANES)));
static const lanes ONE = {1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f};

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
    float threshold;
    float left;          /* share of the training rows that went left */
    float told[POINTS];  /* chance that the feature is known, for a row that agreed with what was asked of it before */
    float slope[POINTS]; /* what the chance to know the feature changes here, in units of `lean` */
    int32_t feature;     /* its last bit: a missing value goes right */
    int32_t above;       /* 1 + 2 x the node that asked for the feature before + the way from there; 0 without one */
    int32_t child[2];
} node;

typedef struct {
    int64_t trees, largest;    /* trees with a split, and the most inner nodes of one */
    const node *nodes;         /* by tree, parents before children */
    const int64_t *node_start; /* trees + 1 */
    const float *leaves;
    const int64_t *leaf_start;
    const float *weights; /* POINTS */
} splits;

typedef struct {
    lanes reach; /* weight of the way to here */
    lanes below; /* what the leaves below are worth from here */
    lanes right; /* chance to go right from here */
    lanes turn;  /* what each unit that the right is worth more than the left adds to the feature */
} visit;

static inline lanes pairs_of(const float *two) {
    return (lanes){two[0], two[1], two[0], two[1], two[0], two[1], two[0], two[1]};
}

/* What each feature adds to ROWS rows in one tree, at POINTS points t of the integral.
 *
 * When a feature is known with chance t, a row leans from the [share of the training rows] of each side of a node to
 * the side that it goes to itself. A feature that was asked before is known already with a chance that Bayes' rule
 * gives; one that the row did not agree with says nothing more. The derivative of what the tree is worth by the
 * feature's own chance is what it adds.
 */
static void explain_tree(const node *nodes, int64_t count, const lanes *values, bits *agreed, visit *visits,
                         lanes *phi) {
    for (int64_t place = 0; place < count; place++) {
        const node *at = nodes + place;
        visit *here = visits + place;
        const lanes value = values[at->feature >> 1];
        const bits goes = (value > at->threshold) | ((value != value) & -(at->feature & 1));
        const bits alive = agreed[at->above];
        const lanes share = ONE - at->left;
        const lanes lean = (lanes)((bits)((lanes)(goes & (bits)ONE) - share) & alive);
        const lanes reach = here->reach, right = share + pairs_of(at->told) * lean, beyond = reach * right;
        agreed[2 * place + 1] = alive & ~goes;
        agreed[2 * place + 2] = alive & goes;
        here->right = right;
        here->turn = reach * pairs_of(at->slope) * lean;
        visits[at->child[1]].reach = beyond;
        visits[at->child[0]].reach = reach - beyond;
    }
    for (int64_t place = count - 1; place >= 0; place--) {
        const node *at = nodes + place;
        visit *here = visits + place;
        const lanes left = visits[at->child[0]].below, gain = visits[at->child[1]].below - left;
        phi[at->feature >> 1] += here->turn * gain;
        here->below = left + here->right * gain;
    }
}

/* SHAP values of rows x features, by so few points, written to out (rows x features); returns 0, or 1 where memory is
 * short.
 *
 * On the path to one leaf, the rows that reach it when only the features of a set S are known weigh the product of
 * agreement (0 or 1) over S and of the shares elsewhere. The Shapley value of such a product is an integral of a
 * polynomial (Owen, G. (1972)), which as many Gauss points as half of the features on the path give exactly; for all
 * leaves at once its values are made on the way down a tree and up again (Yu, P. et al. (2022), Linear TreeShap).
 */
int forest_explain(const forest *f, const splits *s, int64_t features, int64_t rows, const float *matrix, double *out) {
    const size_t slots = (size_t)(2 * s->largest + 1);
    const size_t size = (2 * (size_t)features + slots) * sizeof(lanes) + slots * sizeof(visit);
    char *memory = malloc(size + sizeof(lanes));
    if (!memory) return 1;
    /* Lanes have to lie at a multiple of their size. */
    lanes *phi = (lanes *)(memory + sizeof(lanes) - (uintptr_t)memory % sizeof(lanes));
    lanes *values = phi + features;
    bits *agreed = (bits *)(values + features);
    visit *visits = (visit *)(agreed + slots);
    const lanes weights = pairs_of(s->weights);
    agreed[0] = ONE == ONE;
    for (int64_t first = 0; first < rows; first += ROWS) {
        for (int64_t feature = 0; feature < features; feature++) {
            phi[feature] = ONE - ONE;
            for (int64_t lane = 0; lane < LANES; lane++) {
                /* Where there are no more rows, the last one is looked at again. */
                const int64_t row = first + lane / POINTS < rows ? first + lane / POINTS : rows - 1;
                values[feature][lane] = (float)seen(f, feature, matrix[row * features + feature]);
            }
        }
        for (int64_t tree = 0; tree < s->trees; tree++) {
            const int64_t start = s->node_start[tree], count = s->node_start[tree + 1] - start;
            const float *leaves = s->leaves + s->leaf_start[tree];
            for (int64_t leaf = 0; leaf <= count; leaf++) visits[count + leaf].below = ONE * leaves[leaf];
            visits[0].reach = weights;
            explain_tree(s->nodes + start, count, values, agreed, visits, phi);
        }
        for (int64_t row = first; row < rows && row < first + ROWS; row++)
            for (int64_t feature = 0; feature < features; feature++) {
                const int64_t lane = POINTS * (row - first);
                out[row * features + feature] = (double)phi[feature][lane] + (double)phi[feature][lane + 1];
            }
    }
    free(memory);
    return 0;
}
