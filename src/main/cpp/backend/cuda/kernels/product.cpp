// Products by the BLAS. Their factors are operands or the bfloat16 copies of operands.
#include "backend/cuda/kernels/kernels.h"

namespace chainrule {
namespace cuda {

namespace {

void product(const Launch& launch, const Run& run) {
  const Step& step = launch.step;
  const View<char> c = view<char>(run, step.operands[0]);
  const char* factors[2];
  for (int32_t i = 0; i < 2; ++i) {
    factors[i] =
        launch.copies[i] >= 0 ? run.scratch + launch.copies[i] : view<char>(run, step.operands[1 + i]).data;
  }
  const Scalars* scalars = run.scalars + launch.step_index;
  const float alpha_float = static_cast<float>(step.alpha.constant),
              beta_float = static_cast<float>(step.beta.constant);
  const void *alpha = &alpha_float, *beta = &beta_float;
  if (launch.scalars_on_device) {
    alpha = launch.is_double ? static_cast<const void*>(&scalars->alpha) : &scalars->alpha_float;
    beta = launch.is_double ? static_cast<const void*>(&scalars->beta) : &scalars->beta_float;
  } else if (launch.is_double) {
    alpha = &step.alpha.constant;
    beta = &step.beta.constant;
  }
  launch.products->run(run.queue, *launch.product, factors[0], factors[1], c.data, alpha, beta,
                       run.workspace);
}

}  // namespace

Launcher product_launcher() { return product; }

}  // namespace cuda
}  // namespace chainrule
