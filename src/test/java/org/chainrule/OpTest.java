package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.chainrule.binding.Native;
import org.junit.jupiter.api.Test;

/** The enum has the operations of the native registry, and each operation has its methods. */
class OpTest {
  @Test
  void theOperationsAreThoseOfTheRegistry() {
    Chainrule.load();
    assertEquals(
        IntStream.range(0, Native.op_count()).mapToObj(Native::op_name).toList(),
        Arrays.stream(Op.values()).map(Op::nativeName).toList());
  }

  @Test
  void theKindsAreThoseOfTheRegistry() {
    Chainrule.load();
    assertEquals(
        IntStream.range(0, Native.kind_count()).mapToObj(Native::kind_name).toList(),
        Arrays.stream(Op.Kind.values()).map(kind -> kind.name().toLowerCase(Locale.ROOT)).toList());
    assertEquals(Op.Kind.LEAF, Op.INPUT.kind());
    assertEquals(Op.Kind.PRODUCT, Op.MATMUL.kind());
    assertEquals(Op.Kind.ROWWISE, Op.SOFTMAX.kind());
    assertEquals(Op.Kind.LOSS, Op.HUBER.kind());
    assertEquals(Op.Kind.CUSTOM, Op.CUSTOM.kind());
  }

  @Test
  void traitsAreThoseOfTheRegistry() {
    Chainrule.load();
    assertEquals(List.of(Op.INPUT, Op.TARGET, Op.LABEL), select(Op::isData));
    assertEquals(List.of(Op.RELU, Op.LEAKY_RELU, Op.ELU, Op.HUBER), select(Op::hasKink));
    assertEquals(
        Map.of(
            Op.SCALE,
            "factor",
            Op.LEAKY_RELU,
            "slope",
            Op.ELU,
            "alpha",
            Op.DROPOUT,
            "rate",
            Op.LAYER_NORM,
            "epsilon",
            Op.HUBER,
            "delta"),
        select(op -> !op.constantName().isEmpty()).stream()
            .collect(Collectors.toMap(op -> op, Op::constantName)));
    assertEquals(
        List.of(Op.LEAKY_RELU, Op.ELU, Op.LAYER_NORM, Op.HUBER),
        select(op -> op.constantRange().startsWith("above 0")));
    for (Op op : Op.values()) {
      assertEquals(op.constantName().isEmpty(), op.constantRange().isEmpty(), op.toString());
    }
    assertTrue(Op.BATCH_MEAN.mixesSamples());
    assertEquals(
        select(op -> op.kind() == Op.Kind.LOSS),
        select(op -> op.mixesSamples() && op != Op.BATCH_MEAN));
    assertTrue(Op.TANH.isActivation() && Op.CUSTOM.isActivation());
    assertFalse(Op.SQUARE.isActivation() || Op.SOFTMAX.isActivation());
    assertTrue(Op.SUBTRACT.isLinear() && Op.SLICE.isLinear());
    assertFalse(Op.MULTIPLY.isLinear() || Op.RELU.isLinear());
  }

  private static List<Op> select(Predicate<Op> fact) {
    return Arrays.stream(Op.values()).filter(fact).toList();
  }

  @Test
  void everyOperationHasItsMethod() {
    var methods =
        Stream.of(Node.class, Graph.class)
            .flatMap(type -> Arrays.stream(type.getMethods()))
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
