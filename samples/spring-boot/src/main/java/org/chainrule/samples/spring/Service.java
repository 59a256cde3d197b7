package org.chainrule.samples.spring;

import java.nio.file.Path;
import org.chainrule.Model;
import org.chainrule.Predictor;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Answers POST /predict with the outputs of the node 'probabilities' of a saved model. */
@SpringBootApplication
@RestController
public class Service {
  private final Predictor predictor;

  Service(Predictor predictor) {
    this.predictor = predictor;
  }

  public static void main(String[] args) {
    SpringApplication.run(Service.class, args);
  }

  /** One array per sample in, one array per sample out. A predictor is safe for all threads. */
  @PostMapping("/predict")
  float[][] predict(@RequestBody float[][] samples) {
    return predictor.predict(samples);
  }

  /** A wrong number of features is the client's mistake; the message says what was expected. */
  @ExceptionHandler(IllegalArgumentException.class)
  @ResponseStatus(HttpStatus.BAD_REQUEST)
  String badRequest(IllegalArgumentException e) {
    return e.getMessage();
  }

  /** Spring closes the model and the predictor when the service stops. */
  @Configuration
  static class Models {
    @Bean
    Model model(@Value("${model}") Path file) {
      return Model.load(file);
    }

    @Bean
    Predictor predictor(Model model) {
      return model.predictor(model.graph().node("probabilities"));
    }
  }
}
