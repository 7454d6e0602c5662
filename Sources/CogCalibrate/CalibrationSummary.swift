/// What `cogvlm calibrate` did. Its JSON is what `--json` prints.
package struct CalibrationSummary: Equatable, Sendable, Codable {
  /// The file.
  package let output: String
  /// Its bytes.
  package let bytes: Int
  /// What it says of the model, the sets and the settings.
  package let model: CalibrationFields.Model
  package let sets: [CalibrationFields.Set]
  package let settings: CalibrationFields.Settings
  /// How much was looked at.
  package let counts: CalibrationFields.Counts
  /// Inputs of linear layers that there are moments of.
  package let inputs: Int
  /// Videos that could not be looked at. Of a merged file none: the others have told.
  package let failed: [CalibrationRun.Failure]
  /// Seconds that it took, without those of earlier runs.
  package let seconds: Double

  init(
    _ calibration: Calibration, output: String, bytes: Int, failed: [CalibrationRun.Failure] = [],
    seconds: Double
  ) {
    (self.output, self.bytes, self.failed, self.seconds) = (output, bytes, failed, seconds)
    (model, sets) = (calibration.fields.model, calibration.fields.sets)
    (settings, counts) = (calibration.fields.settings, calibration.fields.counts)
    inputs = calibration.table.names.count
  }
}
