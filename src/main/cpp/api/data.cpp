// The part of the native API for data: NativeInputs, the addresses of the batches of one caller, and NativeDataset.
#include <memory>
#include <utility>

#include "api/bodies.h"
#include "api/chainrule.h"
#include "runtime/dataset.h"
#include "runtime/inputs.h"

namespace chainrule {
namespace api {

int64_t* NativeInputs::addresses() { return body->inputs->addresses(); }
char* NativeInputs::reserve(int32_t slot, int64_t batch) { return body->inputs->reserve(slot, batch); }
bool NativeInputs::needed(int32_t slot) const { return body->inputs->needed(slot); }

NativeDataset* NativeDataset::create(int64_t examples) {
  auto body = std::make_unique<Body>();
  body->dataset = std::make_shared<Dataset>(examples);
  NativeDataset* made = new NativeDataset;
  return wrap(made, std::move(body), &made->body);
}

void NativeDataset::destroy(NativeDataset* dataset) {
  if (dataset == nullptr) return;
  delete dataset->body;
  delete dataset;
}

REQUIRE_SAME(NativeColumnType, ColumnType, float32);
REQUIRE_SAME(NativeColumnType, ColumnType, float64);
REQUIRE_SAME(NativeColumnType, ColumnType, label);

char* NativeDataset::add_column(const char* name, NativeColumnType type, int64_t features) {
  return body->dataset->add_column(text("adding a column to a dataset", name), same<ColumnType>(type),
                                   features);
}

}  // namespace api
}  // namespace chainrule
