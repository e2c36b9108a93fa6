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
    int64_t stride;     /* bytes from row to row */
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

static inline void rule_out(const forest *f, const block *from, int64_t row, uint64_t *words) {
    const char *values = (const char *)from->values + row * from->stride;
    for (int64_t column = 0; column < from->columns; column++) {
        const int64_t feature = from->features[column];
        const double value = seen(
            f, feature, from->single ? (double)((const float *)values)[column] : ((const double *)values)[column]);
        if (isnan(value)) {
            const step *at = f->absent + f->absent_start[feature], *end = f->absent + f->absent_start[feature + 1];
            for (; at < end; at++) words[at->word] &= at->kept;
        } else {
            const step *at = f->steps + f->step_start[feature], *end = f->steps + f->step_start[feature + 1];
            for (; at < end && value > at->threshold; at++) words[at->word] &= at->kept;
        }
    }
}

/* What each row of a block leaves of every tree. */
void forest_share(const forest *f, const block *from, int64_t start, int64_t end, uint64_t *out) {
    for (int64_t row = start; row < end; row++) {
        uint64_t *words = out + row * f->words;
        for (int64_t word = 0; word < f->words; word++) words[word] = ~UINT64_C(0);
        rule_out(f, from, row, words);
    }
}

static void gather(const forest *f, const shared *shares, int64_t count, const block *blocks, int64_t direct,
                   int64_t pair, uint64_t *restrict words) {
    for (int64_t word = 0; word < f->words; word++) words[word] = ~UINT64_C(0);
    for (int64_t place = 0; place < count; place++) {
        const shared *one = shares + place;
        const uint64_t *restrict from = one->words + (one->index ? one->index[pair] : pair) * f->words;
        for (int64_t word = 0; word < f->words; word++) words[word] &= from[word];
    }
    for (int64_t place = 0; place < direct; place++) rule_out(f, blocks + place, pair, words);
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
    uint64_t *words = malloc((size_t)(TOGETHER * f->words) * sizeof(uint64_t));
    if (!words) return 1;
    const int64_t width = f->words;
    int64_t pair = start;
    if (f->words == f->trees) {
        /* One word a tree: four pairs at once, so that no sum waits for itself. */
        for (; pair + TOGETHER <= end; pair += TOGETHER) {
            double sum[TOGETHER] = {0.0};
            for (int64_t k = 0; k < TOGETHER; k++) gather(f, shares, count, blocks, direct, pair + k, words + k * width);
            for (int64_t tree = 0; tree < f->trees; tree++) {
                const double *leaves = f->leaves + f->leaf_start[tree];
                for (int64_t k = 0; k < TOGETHER; k++) sum[k] += leaves[__builtin_ctzll(words[k * width + tree])];
            }
            for (int64_t k = 0; k < TOGETHER; k++) out[pair + k] = sum[k];
        }
    }
    for (; pair < end; pair++) {
        gather(f, shares, count, blocks, direct, pair, words);
        out[pair] = sum_leaves(f, words);
    }
    free(words);
    return 0;
}

/* The sigmoid as LightGBM's binary objective takes it. */
void forest_sigmoid(int64_t count, double steepness, double *values) {
    for (int64_t place = 0; place < count; place++) values[place] = 1.0 / (1.0 + exp(-steepness * values[place]));
}

typedef struct {
    int64_t groups, longest;
    const int64_t *length;  /* groups: features on each path */
    const int64_t *start;   /* groups: first element, in units of LANES */
    const int32_t *feature; /* elements x LANES */
    const double *above;    /* elements x LANES: a row agrees when above < value <= upto; not a number where unbound */
    const double *upto;
    const double *share;   /* elements x LANES: of the training rows that agreed */
    const double *absent; /* elements x LANES: 1 where a missing value agrees, else 0 */
    const double *leaf;    /* groups x LANES */
    const double *points;  /* by path length: Gauss-Legendre points on [0, 1] */
    const double *weights;
    const int64_t *point_start; /* longest + 2 */
} paths;

/* SHAP values of rows x features, written to out (rows x features); returns 0, or 1 where memory is short.
 *
 * On the path to one leaf, the rows that reach it when only the features of a set S are known weigh the product of
 * agreement (0 or 1) over S and of the shares elsewhere. The Shapley value of such a product is an integral of a
 * polynomial (Owen, G. (1972)), which as many Gauss points as half of the features on the path give exactly.
 */
int forest_explain(const forest *f, const paths *p, int64_t features, int64_t rows, const double *matrix, double *out) {
    const int64_t lengths = 3 * p->longest + 1 + features;
    double *scratch = malloc((size_t)(lengths * LANES + features) * sizeof(double));
    if (!scratch) return 1;
    lanes *agrees = (lanes *)scratch, *before = agrees + p->longest, *sum = before + p->longest + 1;
    double *phi = scratch + (3 * p->longest + 1) * LANES, *values = phi + features * LANES;
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t feature = 0; feature < features; feature++)
            values[feature] = seen(f, feature, matrix[row * features + feature]);
        /* Every lane sums for itself: neighbours on a path often share a feature, and would wait for each other. */
        for (int64_t cell = 0; cell < features * LANES; cell++) phi[cell] = 0.0;
        for (int64_t group = 0; group < p->groups; group++) {
            const int64_t length = p->length[group], at = p->start[group];
            const int32_t *feature = p->feature + at * LANES;
            const lanes *above = (const lanes *)p->above + at, *upto = (const lanes *)p->upto + at;
            const lanes *share = (const lanes *)p->share + at, *absent = (const lanes *)p->absent + at;
            const lanes leaf = ((const lanes *)p->leaf)[group];
            for (int64_t place = 0; place < length; place++) {
                lanes value;
                for (int lane = 0; lane < LANES; lane++) value[lane] = values[feature[place * LANES + lane]];
                const bits known = value == value, inside = ~(value <= above[place]) & (value <= upto[place]);
                agrees[place] = (lanes)((known & inside & (bits)ONE) | (~known & (bits)absent[place]));
                sum[place] = (lanes){0.0};
            }
            for (int64_t point = p->point_start[length]; point < p->point_start[length + 1]; point++) {
                const double t = p->points[point], rest = 1.0 - t;
                lanes after = ONE;
                before[0] = leaf * p->weights[point];
                for (int64_t place = 0; place < length; place++)
                    before[place + 1] = before[place] * (t * agrees[place] + rest * share[place]);
                for (int64_t place = length - 1; place >= 0; place--) {
                    sum[place] += before[place] * after;
                    after *= t * agrees[place] + rest * share[place];
                }
            }
            for (int64_t place = 0; place < length; place++) {
                const lanes gain = (agrees[place] - share[place]) * sum[place];
                for (int lane = 0; lane < LANES; lane++) phi[feature[place * LANES + lane] * LANES + lane] += gain[lane];
            }
        }
        for (int64_t feature = 0; feature < features; feature++) {
            double total = 0.0;
            for (int lane = 0; lane < LANES; lane++) total += phi[feature * LANES + lane];
            out[row * features + feature] = total;
        }
    }
    free(scratch);
    return 0;
}
