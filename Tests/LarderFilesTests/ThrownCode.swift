import LarderColumns

/// The code of the error that a body throws; nil if it throws none.
func code(_ body: () throws -> Void) -> LarderError.Code? {
  do { try body() } catch let error as LarderError { return error.code } catch { return nil }
  return nil
}
