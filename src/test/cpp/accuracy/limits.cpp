#include "accuracy/limits.h"

#include <sstream>

namespace test {

namespace {

constexpr Unit result = Unit::result, term = Unit::term, sums = Unit::sums, shifted = Unit::shifted,
               none = Unit::none;

// The goals: elementwise operations 2 and 4, reductions and row-wise operations 8, losses 4, updates 4.
const std::vector<Limit> table = {
    {"input", "all values", none, none, 0, 0, ""},
    {"target", "all values", none, none, 0, 0, ""},
    {"label", "class indices", none, none, 0, 0, ""},
    {"parameter", "all values", none, none, 0, 0, ""},
    {"constant", "all values", none, none, 0, 0, ""},
    {"linear", "sums of up to 1,000 products", sums, sums, 64, 64,
     "the BLAS adds up the products in the model's type, in an order that depends on the processor"},
    {"matmul", "sums of up to 1,000 products", sums, sums, 64, 64,
     "the BLAS adds up the products in the model's type, in an order that depends on the processor"},
    {"add", "all a, b", result, result, 2, 4, ""},
    {"subtract", "all a, b", result, result, 2, 4, ""},
    {"multiply", "all a, b", result, result, 2, 4, ""},
    {"scale", "all z", result, result, 2, 4, ""},
    {"negate", "all z", result, result, 2, 4, ""},
    {"square", "all z", result, result, 2, 4, ""},
    {"exp", "all z", result, result, 2, 4, ""},
    {"log", "all z", result, result, 2, 4, ""},
    {"identity", "all z", result, result, 2, 4, ""},
    {"sigmoid", "all z", result, result, 2, 4, ""},
    {"tanh", "all z", result, result, 2.2, 4.2,
     "a quotient of rounded numbers: 2.12 without FMA, and 4.07 with the product by δ"},
    {"relu", "all z", result, result, 2, 4, ""},
    {"leaky_relu", "all z", result, result, 2, 4, ""},
    {"elu", "all z", result, result, 2, 64,
     "eᶻ has few digits where it is subnormal (z < -87 in float, -708 in double), and c > 1 multiplies its "
     "error; "
     "elsewhere 2.2"},
    {"softplus", "all z", result, result, 2, 4, ""},
    {"gelu", "all z", result, term, 12, 6,
     "Φ(z) has an error of up to 6 ulps, and few digits where it is subnormal (z < -13 in float, -37 in "
     "double)"},
    {"silu", "all z", result, term, 128, 192,
     "σ(z) has few digits where it is subnormal (z < -87 in float, -708 in double), and the size of z "
     "multiplies its "
     "error; "
     "elsewhere 2.3 and 3.9"},
    {"dropout", "all z that are kept", result, result, 2, 4, ""},
    {"softmax", "1 to 10⁶ logits", shifted, term, 8, 8, ""},
    {"layer_norm", "1 to 10⁶ features", term, term, 8, 8, ""},
    {"sum", "1 to 10⁶ features", sums, result, 8, 8, ""},
    {"mean", "1 to 10⁶ features", sums, result, 8, 8, ""},
    {"squared_norm", "1 to 10⁶ features", result, result, 9, 8, "the CUDA kernels add doubles in double"},
    {"log_sum_exp", "1 to 10⁶ logits", term, shifted, 8, 8, ""},
    {"concat", "all values", result, result, 0, 0, ""},
    {"slice", "all values", result, result, 0, 0, ""},
    {"polynomial_features", "1 to 20 features", result, sums, 2, 8, ""},
    {"batch_mean", "1 to 10⁵ samples", sums, result, 8, 8, ""},
    {"softmax_cross_entropy", "1 to 10⁶ logits", shifted, term, 8, 8, ""},
    {"negative_log_likelihood", "f >= 0, 0 <= y <= 1", result, result, 4, 4, ""},
    {"binary_cross_entropy", "all z, 0 <= y <= 1", result, term, 4, 4, ""},
    {"squared_error", "all f, finite y", result, result, 4, 4, ""},
    {"mean_squared_error", "all f, finite y", result, result, 4, 4, ""},
    {"huber", "all f, finite y", result, result, 4, 4, ""},
    {"custom", "the user's rule", none, none, 0, 0, ""},
    {"sgd", "steps 1 to 10⁹", term, term, 4, 4, ""},
    {"adam", "steps 1 to 10⁹", term, term, 4, 4, ""},
    {"adamw", "steps 1 to 10⁹", term, term, 4, 4, ""},
    {"rmsprop", "steps 1 to 10⁹", term, term, 4, 4, ""},
};

const char* text_of(Unit unit) {
  switch (unit) {
    case Unit::result: return "result";
    case Unit::term: return "term";
    case Unit::sums: return "sums";
    case Unit::shifted: return "shifted";
    case Unit::none: return "none";
  }
  return "";
}

}  // namespace

const std::vector<Limit>& limits() { return table; }

const Limit* limit_of(const std::string& name) {
  for (const Limit& limit : table) {
    if (name == limit.name) return &limit;
  }
  return nullptr;
}

std::string row_begin(const Limit& limit) {
  std::ostringstream text;
  text << "| `" << limit.name << "` | " << limit.inputs << " | " << text_of(limit.unit_forward) << ", "
       << text_of(limit.unit_backward) << " | " << limit.forward << ", " << limit.backward << " | ";
  return text.str();
}

std::string row_end(const Limit& limit) { return std::string(" | ") + limit.reason + " |"; }

}  // namespace test
