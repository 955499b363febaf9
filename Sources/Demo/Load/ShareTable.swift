import Foundation

/// Who got what: what the scenario promises beside what was seen.
package struct ShareTable {
    package struct Row: Equatable {
        package var who: String
        package var configured: Double
        package var hits: Int
        package var draws: Int
        package var holds: Bool
        /// The counts that chance explains, as shares.
        package var band: ClosedRange<Double>
    }

    package var rows: [Row] = []

    /// `counted` has every request that reached a version, copies included.
    package init(_ expectation: Expectation, counted: [String: Int]) {
        let total = counted.values.reduce(0, +)
        let copied = expectation.copies.values.reduce(0, +)
        // A version that only gets copies is not among those that answer.
        let copies = Set(expectation.copies.keys).subtracting(expectation.shares.keys)
        let answered = total - copies.reduce(0) { $0 + (counted[$1] ?? 0) }
        for version in counted.keys.sorted() where !copies.contains(version) {
            rows.append(
                Self.row(version, expectation.shares[version] ?? 0, counted[version] ?? 0, answered, expectation))
        }
        guard copied > 0 else { return }
        for version in copies.sorted() {
            rows.append(
                Self.row(
                    "\(version) (copies)", expectation.copies[version] ?? 0, counted[version] ?? 0, answered,
                    expectation))
        }
    }

    package var holds: Bool { rows.allSatisfy(\.holds) }

    private static func row(_ who: String, _ share: Double, _ hits: Int, _ draws: Int, _ expected: Expectation) -> Row {
        let band: ClosedRange<Double>
        if expected.isBalanced {
            band = 0.4...0.6
        } else if draws > 0 {
            let counts = BinomialBand(draws: draws, probability: share)
            band = Double(counts.lowest) / Double(draws)...Double(counts.highest) / Double(draws)
        } else {
            band = 0...0
        }
        return Row(
            who: who, configured: share, hits: hits, draws: draws,
            holds: expected.holds(hits: hits, draws: draws, share: share), band: band)
    }

    /// The table as text, a line each.
    package var text: String {
        var lines = ["catalogdetail   configured   observed     requests   by chance        "]
        for row in rows {
            let observed = row.draws > 0 ? Double(row.hits) / Double(row.draws) : 0
            let band = "\(Self.percent(row.band.lowerBound)) – \(Self.percent(row.band.upperBound))"
            lines.append(
                [
                    row.who.padding(toLength: 13, withPad: " ", startingAt: 0),
                    Self.left(Self.percent(row.configured), 12),
                    Self.left(Self.percent(observed), 10), Self.left("\(row.hits)", 12), "  \(band)",
                    row.holds ? "" : "  not what was configured",
                ].joined(separator: " "))
        }
        return lines.joined(separator: "\n")
    }

    private static func percent(_ share: Double) -> String { String(format: "%.1f %%", share * 100) }

    private static func left(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
