import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.crypto.KeyAccessDeniedException;
import org.apache.parquet.crypto.ParquetCryptoRuntimeException;
import org.apache.parquet.crypto.keytools.KmsClient;

/**
 * Gives parquet-mr the data keys that VanVault unwrapped, from a file of two words a line: the wrapped key as
 * the Parquet file names it, and the key itself, both in base64. No master key is needed.
 */
public class UnwrappedKeys implements KmsClient {
  private final Map<String, byte[]> keys = new HashMap<>();

  @Override
  public void initialize(Configuration settings, String instance, String url, String token) {
    try {
      for (String line : Files.readAllLines(Path.of(settings.get("vanvault.keys")))) {
        String[] words = line.split(" ");
        keys.put(words[0], Base64.getDecoder().decode(words[1]));
      }
    } catch (IOException error) {
      throw new ParquetCryptoRuntimeException("The file of keys cannot be read", error);
    }
  }

  @Override
  public byte[] unwrapKey(String wrapped, String master) {
    byte[] key = keys.get(wrapped);
    if (key == null) {
      throw new KeyAccessDeniedException("The bundle has no key for this object, wrapped under " + master);
    }
    return key;
  }

  @Override
  public String wrapKey(byte[] key, String master) {
    throw new UnsupportedOperationException("These keys are for reading");
  }
}
