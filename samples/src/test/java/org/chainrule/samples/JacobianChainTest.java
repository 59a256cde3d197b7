package org.chainrule.samples;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JacobianChainTest {
  @ParameterizedTest
  @ValueSource(ints = {5, 64, 200})
  void bothWaysGiveTheSameGradient(int n) {
    JacobianChain.Point point = JacobianChain.measure(n);
    assertTrue(point.difference() <= JacobianChain.MOST_DIFFERENCE, point::toString);
    assertTrue(point.product() > 0 && point.recursion() > 0, point::toString);
  }
}
