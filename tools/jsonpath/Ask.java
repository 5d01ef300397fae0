import com.jayway.jsonpath.*;
import java.io.*;
import java.util.*;

/**
 * Writes what Jayway JsonPath gives for the paths of a corpus: the peer that
 * internal/stepfunctions/jsonpath is held against.
 *
 * In: a corpus on standard input, as internal/stepfunctions/jsonpath/testdata/jayway.txt describes itself; answers that
 * are already in it are dropped, lines "here ..." kept. Out: the corpus with the library's answers.
 *
 * To run it, put json-path 2.9.0 and what it needs into lib (com.jayway.jsonpath:json-path:2.9.0 from Maven Central,
 * mvn dependency:copy-dependencies -DoutputDirectory=lib), then in this folder:
 *
 *   javac -cp 'lib/*' -d lib Ask.java
 *   java -cp 'lib/*:lib' Ask < CORPUS > NEW
 */
public class Ask {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        Configuration configuration = Configuration.defaultConfiguration();
        Object document = null;
        for (String line; (line = in.readLine()) != null; ) {
            if (line.startsWith("  ") && !line.startsWith("  here ")) {
                continue;
            }
            out.println(line);
            if (line.startsWith("data ")) {
                document = configuration.jsonProvider().parse(line.substring(5));
            } else if (!line.isEmpty() && !line.startsWith("#") && !line.startsWith("  ")) {
                out.println("  " + answer(line, document, configuration));
            }
        }
    }

    private static String answer(String path, Object document, Configuration configuration) {
        JsonPath compiled;
        try {
            compiled = JsonPath.compile(path);
        } catch (RuntimeException e) {
            return "refused";
        }
        try {
            Object value = compiled.read(document, configuration);
            // A list around the value, because the provider writes scalars in no other way.
            String json = configuration.jsonProvider().toJson(new ArrayList<Object>(Collections.singletonList(value)));
            return "= " + json.substring(1, json.length() - 1) + (compiled.isDefinite() ? "" : " *");
        } catch (PathNotFoundException e) {
            return "missing";
        } catch (RuntimeException e) {
            return "fails";
        }
    }
}
