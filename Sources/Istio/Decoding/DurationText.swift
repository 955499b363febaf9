/// Durations as Istio's resources write them: `1.5s`, `100ms`, `1h2m`.
package enum DurationText {
    /// nil: not a duration, or one that does not fit 64 bits of nanoseconds.
    package static func nanoseconds(_ text: String) -> Int? {
        var rest = Substring(text).utf8
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        if rest.elementsEqual([UInt8(ascii: "0")]) { return 0 }
        guard !rest.isEmpty else { return nil }
        var total = 0
        while !rest.isEmpty {
            guard let part = takePart(&rest) else { return nil }
            let sum = total.addingReportingOverflow(part)
            guard !sum.overflow else { return nil }
            total = sum.partialValue
        }
        return isNegative ? -total : total
    }

    /// Rounded up, so that a positive duration never becomes none.
    package static func milliseconds(nanoseconds: Int) -> Int {
        nanoseconds > 0 ? (nanoseconds - 1) / 1_000_000 + 1 : nanoseconds / 1_000_000
    }

    /// Takes a decimal number and its unit.
    private static func takePart(_ rest: inout Substring.UTF8View) -> Int? {
        let number = rest.prefix { isDigit($0) || $0 == UInt8(ascii: ".") }
        rest = rest.dropFirst(number.count)
        let unit = rest.prefix { !isDigit($0) && $0 != UInt8(ascii: ".") }
        rest = rest.dropFirst(unit.count)
        guard let scale = nanoseconds(unit: String(Substring(unit))), number.count <= 32 else { return nil }
        let parts = number.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.contains(where: { !$0.isEmpty }) else { return nil }
        let whole = parts[0].isEmpty ? 0 : Int(Substring(parts[0]))
        guard let whole else { return nil }
        let scaled = whole.multipliedReportingOverflow(by: scale)
        guard !scaled.overflow else { return nil }
        var result = scaled.partialValue
        if parts.count == 2 {
            var digitScale = scale
            for digit in parts[1] {
                digitScale /= 10
                let sum = result.addingReportingOverflow(Int(digit &- UInt8(ascii: "0")) &* digitScale)
                guard !sum.overflow else { return nil }
                result = sum.partialValue
            }
        }
        return result
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func nanoseconds(unit: String) -> Int? {
        switch unit {
        case "ns": 1
        case "us", "µs", "μs": 1000
        case "ms": 1_000_000
        case "s": 1_000_000_000
        case "m": 60_000_000_000
        case "h": 3_600_000_000_000
        default: nil
        }
    }
}
