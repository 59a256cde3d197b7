package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.chainrule.binding.Native;
import org.chainrule.binding.NativeOptimizer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Every optimizer of the native registry has a class with the same settings, defaults and ranges.
 */
class OptimizerRegistryTest {
  private static final double[] VALUES = {
    -1,
    -Double.MIN_VALUE,
    0,
    Double.MIN_VALUE,
    0.5,
    Math.nextDown(1.0),
    1,
    2,
    Double.MAX_VALUE,
    Double.POSITIVE_INFINITY,
    Double.NEGATIVE_INFINITY,
    Double.NaN
  };

  @BeforeAll
  static void load() {
    Chainrule.load();
  }

  private static List<Class<?>> classes() {
    return List.of(Optimizer.class.getPermittedSubclasses());
  }

  /** Creates an optimizer from the values of the components of its record, in their order. */
  private static Optimizer create(Class<?> rule, Object[] values) throws Exception {
    Class<?>[] types =
        Arrays.stream(rule.getRecordComponents())
            .map(RecordComponent::getType)
            .toArray(Class<?>[]::new);
    Constructor<?> constructor = rule.getDeclaredConstructor(types);
    return (Optimizer) constructor.newInstance(values);
  }

  private static Object[] defaults(Class<?> rule, NativeOptimizer registered) {
    RecordComponent[] components = rule.getRecordComponents();
    Object[] values = new Object[components.length];
    for (int i = 0; i < values.length; ++i) {
      double value = registered.value(registered.setting(i));
      values[i] = components[i].getType() == boolean.class ? (Object) (value != 0) : (Object) value;
    }
    return values;
  }

  private static String nativeName(Class<?> rule) {
    return rule.getSimpleName().toLowerCase(java.util.Locale.ROOT);
  }

  @Test
  void theClassesAreThoseOfTheRegistry() {
    assertEquals(
        IntStream.range(0, Native.optimizer_count()).mapToObj(Native::optimizer_name).toList(),
        classes().stream().map(OptimizerRegistryTest::nativeName).toList());
  }

  @Test
  void theSettingsAreThoseOfTheRegistry() throws Exception {
    for (Class<?> rule : classes()) {
      NativeOptimizer registered = NativeOptimizer.create(nativeName(rule));
      try {
        List<String> names = new ArrayList<>();
        List<Double> values = new ArrayList<>();
        for (int i = 0; i < registered.setting_count(); ++i) {
          names.add(registered.setting(i));
          values.add(registered.value(registered.setting(i)));
        }
        Optimizer created = create(rule, defaults(rule, registered));
        assertEquals(nativeName(rule), created.name());
        assertEquals(names, List.copyOf(created.settings().keySet()));
        assertEquals(values, List.copyOf(created.settings().values()));
        assertEquals(
            names,
            Arrays.stream(rule.getRecordComponents())
                .map(
                    c ->
                        c.getName().replaceAll("([A-Z])", "_$1").toLowerCase(java.util.Locale.ROOT))
                .toList());
        Optimizer byFactory =
            (Optimizer)
                rule.getMethod("of", double.class).invoke(null, registered.value("learning_rate"));
        assertEquals(created, byFactory);
        if (rule != Sgd.class) { // Sgd has no default learning rate
          assertEquals(created, rule.getMethod("of").invoke(null));
        }
      } finally {
        NativeOptimizer.destroy(registered);
      }
    }
  }

  @Test
  void theRangesAreThoseOfTheRegistry() throws Exception {
    for (Class<?> rule : classes()) {
      RecordComponent[] components = rule.getRecordComponents();
      for (int i = 0; i < components.length; ++i) {
        boolean isSwitch = components[i].getType() == boolean.class;
        for (double value : isSwitch ? new double[] {0, 1} : VALUES) {
          NativeOptimizer registered = NativeOptimizer.create(nativeName(rule));
          try {
            Object[] values = defaults(rule, registered);
            values[i] = isSwitch ? (Object) (value != 0) : (Object) value;
            registered.set(registered.setting(i), value);
            assertEquals(
                accepts(() -> registered.check(true)),
                accepts(() -> create(rule, values)),
                rule + ", " + components[i].getName() + " = " + value);
          } finally {
            NativeOptimizer.destroy(registered);
          }
        }
      }
    }
  }

  private interface Attempt {
    void run() throws Exception;
  }

  private static boolean accepts(Attempt attempt) throws Exception {
    try {
      attempt.run();
      return true;
    } catch (IllegalArgumentException refusal) {
      return false;
    } catch (InvocationTargetException refusal) {
      assertEquals(IllegalArgumentException.class, refusal.getCause().getClass());
      return false;
    }
  }
}
