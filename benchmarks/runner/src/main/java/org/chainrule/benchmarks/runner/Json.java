package org.chainrule.benchmarks.runner;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

/** Reads and writes JSON as maps, lists, strings and numbers. */
final class Json {
  private static final JsonFactory FACTORY = new JsonFactory();

  private Json() {}

  /** Reads one object. */
  static Map<String, Object> read(String text) throws IOException {
    try (JsonParser parser = FACTORY.createParser(text)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new IOException("expected a JSON object, but got " + text);
      }
      return object(parser);
    }
  }

  private static Map<String, Object> object(JsonParser parser) throws IOException {
    Map<String, Object> fields = new LinkedHashMap<>();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      parser.nextToken();
      fields.put(name, value(parser));
    }
    return fields;
  }

  private static Object value(JsonParser parser) throws IOException {
    return switch (parser.currentToken()) {
      case START_OBJECT -> object(parser);
      case START_ARRAY -> {
        List<Object> values = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          values.add(value(parser));
        }
        yield values;
      }
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
      case VALUE_STRING -> parser.getText();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      default -> null;
    };
  }

  /** Writes a list of objects, one per line. Numbers that are not finite are omitted. */
  static void write(Path file, List<Map<String, Object>> objects) throws IOException {
    StringJoiner lines = new StringJoiner(",\n", "[\n", "\n]\n");
    for (Map<String, Object> fields : objects) {
      StringWriter line = new StringWriter();
      write(line, fields);
      lines.add(line.toString());
    }
    Files.writeString(file, lines.toString());
  }

  private static void write(Writer target, Map<String, Object> fields) throws IOException {
    try (JsonGenerator generator = FACTORY.createGenerator(target)) {
      generator.writeStartObject();
      for (Map.Entry<String, Object> field : fields.entrySet()) {
        if (field.getValue() instanceof Double number) {
          if (Double.isFinite(number)) {
            generator.writeNumberField(field.getKey(), number);
          }
        } else if (field.getValue() instanceof Number number) {
          generator.writeNumberField(field.getKey(), number.longValue());
        } else if (field.getValue() instanceof Boolean flag) {
          generator.writeBooleanField(field.getKey(), flag);
        } else if (field.getValue() != null) {
          generator.writeStringField(field.getKey(), field.getValue().toString());
        }
      }
      generator.writeEndObject();
    }
  }
}
