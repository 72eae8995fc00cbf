import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.codelibs.opensearch.runner.node.OpenSearchRunnerNode;
import org.opensearch.common.logging.LogConfigurator;
import org.opensearch.common.settings.Settings;
import org.opensearch.core.common.transport.TransportAddress;
import org.opensearch.env.Environment;
import org.opensearch.http.HttpServerTransport;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.Plugin;

/**
 * Starts one OpenSearch node. Arguments: its home folder, then the plugin classes to load and, as
 * {@code -Ekey=value}, settings that win over the configuration file's.
 *
 * <p>Once the node takes requests, its HTTP address is in {@code home/http.address} (so that the
 * configuration may ask for port 0, and no free port has to be guessed). It ends on SIGTERM or,
 * with {@code -Dboot.endWithStdin=true}, when standard input closes: then it cannot outlive the
 * process that started it.
 */
public class Boot {
  public static void main(String[] args) {
    try {
      serve(args);
    } catch (Throwable failed) {
      failed.printStackTrace();
      System.exit(1); // other threads may be running already: a plain throw would leave them
    }
  }

  private static void serve(String[] args) throws Exception {
    // As the real server does. Without it a missing native library ends one thread and the request
    // that it served hangs.
    Thread.setDefaultUncaughtExceptionHandler(
        (thread, failed) -> {
          System.err.println("uncaught in " + thread.getName());
          failed.printStackTrace();
          if (failed instanceof Error) {
            Runtime.getRuntime().halt(1);
          }
        });
    Path home = Path.of(args[0]).toAbsolutePath();
    Path address = home.resolve("http.address");
    Files.deleteIfExists(address);
    for (String folder : List.of("data", "logs", "modules", "plugins")) {
      Files.createDirectories(home.resolve(folder));
    }
    List<Class<? extends Plugin>> plugins = new ArrayList<>();
    Map<String, String> overrides = new HashMap<>();
    for (int i = 1; i < args.length; i++) {
      if (args[i].startsWith("-E")) {
        String[] setting = args[i].substring(2).split("=", 2);
        overrides.put(setting[0], setting[1]);
      } else {
        plugins.add(Class.forName(args[i]).asSubclass(Plugin.class));
      }
    }
    Settings settings = Settings.builder().put("path.home", home.toString()).build();
    Environment env =
        InternalSettingsPreparer.prepareEnvironment(
            settings, overrides, home.resolve("config"), () -> "n1");
    LogConfigurator.registerErrorListener();
    LogConfigurator.configure(env);
    Node node = new OpenSearchRunnerNode(env, plugins);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node, address), "close-node"));
    node.start();
    TransportAddress http =
        node.injector().getInstance(HttpServerTransport.class).boundAddress().publishAddress();
    Path partial = home.resolve("http.address.partial");
    Files.write(partial, http.toString().getBytes(StandardCharsets.UTF_8));
    Files.move(partial, address, StandardCopyOption.ATOMIC_MOVE);
    if (Boolean.getBoolean("boot.endWithStdin")) {
      InputStream in = System.in;
      while (in.read() >= 0) {
        // nothing is said to the node this way: only the end counts
      }
      System.exit(0);
    }
    Thread.currentThread().join();
  }

  private static void close(Node node, Path address) {
    try {
      Files.deleteIfExists(address);
      node.close();
      if (!node.awaitClose(20, TimeUnit.SECONDS)) {
        System.err.println("the node did not close in time");
      }
    } catch (Exception failed) {
      failed.printStackTrace();
    }
  }
}
