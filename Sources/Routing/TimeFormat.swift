import Wire

/// `%START_TIME(…)%`: the specifiers of strftime that give numbers, in UTC, and Envoy's `%f` with its width. Without a
/// format: ISO 8601 with milliseconds.
enum TimeFormat {
    /// What is wrong with a format, or nil.
    static func check(_ format: String) -> String? {
        var rest = format.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else { continue }
            var specifier = rest.popFirst()
            if let digit = specifier, digit >= UInt8(ascii: "1"), digit <= UInt8(ascii: "9") {
                specifier = rest.popFirst()
                guard specifier == UInt8(ascii: "f") else { return "%START_TIME()% takes a width before f only" }
            }
            guard let specifier, specifiers.contains(specifier) else {
                return "%START_TIME()% takes %Y %m %d %H %M %S %F %T %j %s %f %3f %6f %9f %Z %z and %%"
            }
        }
        return nil
    }

    private static let specifiers = Array("YmdHMSFTjsfZz%".utf8)

    /// Appends a time (microseconds since 1970) to the head's storage.
    static func append(_ microseconds: Int64, format: UnsafeRawBufferPointer, to head: Head) {
        let time = CivilTime(microseconds: microseconds)
        if format.isEmpty {
            time.appendDate(to: head)
            head.appendByte(UInt8(ascii: "T"))
            time.appendClock(to: head)
            head.appendByte(UInt8(ascii: "."))
            head.appendNumber(Int64(time.microsecond / 1000), digitsMin: 3)
            head.appendByte(UInt8(ascii: "Z"))
            return
        }
        var index = 0
        while index < format.count {
            let byte = format[index]
            index += 1
            guard byte == UInt8(ascii: "%"), index < format.count else {
                head.appendByte(byte)
                continue
            }
            var width = 9
            if format[index] >= UInt8(ascii: "1"), format[index] <= UInt8(ascii: "9"), index + 1 < format.count {
                width = Int(format[index] - 0x30)
                index += 1
            }
            append(format[index], width: width, of: time, to: head)
            index += 1
        }
    }

    private static func append(_ specifier: UInt8, width: Int, of time: CivilTime, to head: Head) {
        switch specifier {
        case UInt8(ascii: "Y"): head.appendNumber(time.year, digitsMin: 4)
        case UInt8(ascii: "m"): head.appendNumber(Int64(time.month), digitsMin: 2)
        case UInt8(ascii: "d"): head.appendNumber(Int64(time.day), digitsMin: 2)
        case UInt8(ascii: "H"): head.appendNumber(Int64(time.secondOfDay / 3600), digitsMin: 2)
        case UInt8(ascii: "M"): head.appendNumber(Int64(time.secondOfDay / 60 % 60), digitsMin: 2)
        case UInt8(ascii: "S"): head.appendNumber(Int64(time.secondOfDay % 60), digitsMin: 2)
        case UInt8(ascii: "j"): head.appendNumber(Int64(time.dayOfYear), digitsMin: 3)
        case UInt8(ascii: "F"): time.appendDate(to: head)
        case UInt8(ascii: "T"): time.appendClock(to: head)
        case UInt8(ascii: "s"): head.appendNumber(time.seconds, digitsMin: 1)
        case UInt8(ascii: "f"):
            var fraction = Int64(time.microsecond) * 1000
            for _ in width..<9 { fraction /= 10 }
            head.appendNumber(fraction, digitsMin: width)
        case UInt8(ascii: "Z"): _ = head.append("UTC" as StaticString)
        case UInt8(ascii: "z"): _ = head.append("+0000" as StaticString)
        default: head.appendByte(specifier)
        }
    }
}

/// A moment as a calendar tells it, UTC.
private struct CivilTime {
    let seconds: Int64
    let microsecond: Int
    let secondOfDay: Int
    let year: Int64
    let month: Int
    let day: Int
    let dayOfYear: Int

    init(microseconds: Int64) {
        // Division that rounds down, so that times before 1970 work too.
        func split(_ value: Int64, by unit: Int64) -> (Int64, Int) {
            let rest = value % unit
            return rest < 0 ? (value / unit - 1, Int(rest + unit)) : (value / unit, Int(rest))
        }
        let days: Int64
        (seconds, microsecond) = split(microseconds, by: 1_000_000)
        (days, secondOfDay) = split(seconds, by: 86_400)
        // Years begin in March here, which puts the leap day at their end; an era is 400 of them.
        let (era, dayOfEra) = split(days + 719_468, by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayFromMarch = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayFromMarch + 2) / 153
        day = dayFromMarch - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = era * 400 + Int64(yearOfEra) + (month <= 2 ? 1 : 0)
        self.year = year
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        dayOfYear = month <= 2 ? dayFromMarch - 305 : dayFromMarch + 60 + (isLeap ? 1 : 0)
    }

    func appendDate(to head: Head) {
        head.appendNumber(year, digitsMin: 4)
        head.appendByte(UInt8(ascii: "-"))
        head.appendNumber(Int64(month), digitsMin: 2)
        head.appendByte(UInt8(ascii: "-"))
        head.appendNumber(Int64(day), digitsMin: 2)
    }

    func appendClock(to head: Head) {
        head.appendNumber(Int64(secondOfDay / 3600), digitsMin: 2)
        head.appendByte(UInt8(ascii: ":"))
        head.appendNumber(Int64(secondOfDay / 60 % 60), digitsMin: 2)
        head.appendByte(UInt8(ascii: ":"))
        head.appendNumber(Int64(secondOfDay % 60), digitsMin: 2)
    }
}
