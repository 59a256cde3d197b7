package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.chainrule.binding.Native;
import org.junit.jupiter.api.Test;

/** The enum and the native registry have the same operations, and each has its methods. */
class OpTest {
  @Test
  void theEnumIsTheNativeRegistry() {
    Chainrule.load();
    assertEquals(
        IntStream.range(0, Native.op_count()).mapToObj(Native::op_name).toList(),
        Arrays.stream(Op.values()).map(Op::nativeName).toList());
  }

  @Test
  void everyOperationHasItsMethod() {
    var methods =
        Arrays.stream(Graph.class.getMethods())
            .filter(method -> method.getReturnType() == Node.class)
            .map(Method::getName)
            .collect(Collectors.toSet());
    for (Op op : Op.values()) {
      assertTrue(methods.contains(op.methodName()), op.methodName());
    }
  }

  @Test
  void namesAreCamelCase() {
    assertEquals("softmaxCrossEntropy", Op.SOFTMAX_CROSS_ENTROPY.methodName());
    assertEquals("log_sum_exp", Op.LOG_SUM_EXP.nativeName());
  }
}
