/**
 * Neural networks trained inside the JVM at native speed: thin classes over a C++ core.
 *
 * <ul>
 *   <li>A {@link org.chainrule.Graph} says what is computed from what. Its {@link
 *       org.chainrule.Node}s are data, parameters and operations ({@link org.chainrule.Op}).
 *   <li>A {@link org.chainrule.Model} holds the values of a graph's parameters. It is saved to and
 *       loaded from one file.
 *   <li>A {@link org.chainrule.Trainer} changes them, step by step over {@link
 *       org.chainrule.Batch}es or for epochs over a {@link org.chainrule.Dataset}, with an {@link
 *       org.chainrule.Optimizer}.
 *   <li>A {@link org.chainrule.Predictor} computes nodes of a model, from any number of threads.
 *   <li>{@link org.chainrule.Chainrule} says what runs here.
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
 * <p>Objects that own native memory are closed, and are freed by a cleaner if that is forgotten. A
 * call on a closed one is an {@link java.lang.IllegalStateException}, a wrong argument an {@link
 * java.lang.IllegalArgumentException}, and whatever else fails a {@link
 * org.chainrule.ChainruleException}; each says which operation it was, what was expected and what
 * came.
 *
 * <p>Nothing may be null but what is marked {@code @Nullable} (JSpecify).
 *
 * <p>Samples come and go as [sample][feature]; a weight is [output][input].
 */
@NullMarked
package org.chainrule;

import org.jspecify.annotations.NullMarked;
