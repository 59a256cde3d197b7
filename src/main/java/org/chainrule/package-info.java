/**
 * Neural networks that are trained and run inside the JVM at native speed. The Java classes are a
 * thin layer over a C++ core.
 *
 * <ul>
 *   <li>A {@link org.chainrule.Graph} describes the computation. Its {@link org.chainrule.Node}s
 *       are data, parameters and operations ({@link org.chainrule.Op}).
 *   <li>A {@link org.chainrule.Model} holds the values of a graph's parameters. It can be saved to
 *       a single file and loaded from it.
 *   <li>A {@link org.chainrule.Trainer} trains a model with an {@link org.chainrule.Optimizer}:
 *       either one {@link org.chainrule.Batch} at a time, or for several epochs over a {@link
 *       org.chainrule.Dataset}.
 *   <li>A {@link org.chainrule.Predictor} computes the values of a model's nodes. Any number of
 *       threads may use it.
 *   <li>{@link org.chainrule.Chainrule} reports the version and the libraries in use.
 * </ul>
 *
 * <pre>{@code
 * Graph graph = new Graph();
 * Node x = graph.input("x", 64);
 * Node label = graph.label("label", 10);
 * Node logits = x.linear(128).relu().linear(10);
 * Node loss = graph.softmaxCrossEntropy(logits, label);
 * try (Model model = Model.create(graph, 1);
 *     Trainer trainer = model.trainer(loss, Adam.of(1e-3));
 *     Dataset data = Dataset.of(examples).with(x, pixels).with(label, digits);
 *     Predictor predictor = model.predictor(logits)) {
 *   trainer.fit(data, 32, 20);
 *   int[] classes = predictor.classify(unseen);
 *   model.save(Path.of("digits.safetensors"));
 * }
 * }</pre>
 *
 * <p>Objects that own native memory are {@link java.lang.AutoCloseable} and should be closed. If
 * one is not closed, a cleaner frees its memory after the object has become unreachable.
 *
 * <p>An invalid argument causes an {@link java.lang.IllegalArgumentException}, a call on a closed
 * object an {@link java.lang.IllegalStateException}, and any other failure a {@link
 * org.chainrule.ChainruleException}. The message names the operation, what was expected and what it
 * got.
 *
 * <p>Parameters and return values are never null unless they are marked {@code @Nullable}
 * (JSpecify).
 *
 * <p>The values of samples are ordered [sample][feature], those of a weight [output][input].
 */
@NullMarked
package org.chainrule;

import org.jspecify.annotations.NullMarked;
