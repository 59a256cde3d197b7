package org.chainrule.benchmarks.runner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class StatisticsTest {
  @Test
  void theMedianOfAnEvenNumberIsInterpolated() {
    assertEquals(2, Statistics.median(9, 1, 2));
    assertEquals(1.5, Statistics.median(2, 1));
    assertTrue(Double.isNaN(Statistics.median()));
  }

  @Test
  void spreadsAreRelativeToTheMedian() {
    assertEquals(0.5, Statistics.spread(3, 4, 5));
    assertEquals(0, Statistics.spread(7));
    assertEquals(2.0 / 3, Statistics.interquartile(1, 2, 3, 4, 5), 1e-12);
  }

  @Test
  void numbersHaveThreeSignificantDigits() {
    assertEquals("0.00213", Format.number(0.0021349));
    assertEquals("1.45", Format.number(1.449));
    assertEquals("5.00", Format.number(5));
    assertEquals("10.0", Format.number(9.999));
    assertEquals("159", Format.number(158.7));
    assertEquals("1234", Format.number(1234.4));
    assertEquals("0", Format.number(0));
    assertEquals("", Format.number(Double.NaN));
    assertEquals("4 %", Format.percent(0.0351));
  }
}
