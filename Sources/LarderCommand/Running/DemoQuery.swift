import Larder

/// A file of history that the demo imports.
struct DemoHistory {
  var folder: String
  var file: String
  var view: String
  var nulls: [String] = []

  static let all = [
    DemoHistory(folder: "weather", file: "weather.csv", view: "weather", nulls: ["NA"]),
    DemoHistory(folder: "credit", file: "zipcode_table.csv", view: "zipcode_features"),
    DemoHistory(folder: "markets", file: "exchange-rates-monthly.csv", view: "exchange"),
    DemoHistory(folder: "markets", file: "vix-daily.csv", view: "vix"),
    DemoHistory(folder: "markets", file: "natural-gas-daily.csv", view: "natural_gas"),
    DemoHistory(folder: "driver_stats", file: "driver_stats.csv", view: "driver_stats"),
  ]
}

/// A query that the demo asks.
struct DemoQuery {
  var title: String
  /// The spine, from the data folder.
  var spine: String
  var timestamp = "event_timestamp"
  var features: [FeatureReference]
  var projections: [Projection] = []
  var fullNames = false

  static let all = [
    DemoQuery(
      title: "Departures with the weather where they leave and where they go, at most 3 h old",
      spine: "weather/departures.csv",
      features: ["weather:temp", "weather:visib", "dest_weather:temp", "dest_weather:wind_gust"],
      projections: [.projection(of: "weather", as: "dest_weather", joinKeys: ["origin": "dest"])],
      fullNames: true),
    DemoQuery(
      title: "Credit applications with what is known of their zipcodes",
      spine: "credit/loan_table.csv",
      features: ["zipcode_features:city", "zipcode_features:state", "zipcode_features:population"]),
    DemoQuery(
      title: "Exchange rates with the volatility and the gas price of the week before",
      spine: "markets/exchange-rates-monthly.csv", timestamp: "Date",
      features: ["vix:CLOSE", "natural_gas:Price"]),
    DemoQuery(
      title: "Drivers' own hours asked for again: every row finds itself, or its equal in time",
      spine: "driver_stats/driver_stats.csv",
      features: ["driver_stats:conv_rate", "driver_stats:avg_daily_trips"], fullNames: true),
  ]
}
