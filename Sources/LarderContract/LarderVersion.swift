/// The version of this library and of its command.
///
/// ```swift
/// print("Larder \(LarderVersion.current)")
/// ```
public enum LarderVersion {
  /// As in the changelog, "0.1.0".
  public static let current = "0.1.0"
}
