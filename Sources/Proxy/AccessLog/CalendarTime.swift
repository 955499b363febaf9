/// A moment in UTC, in the Gregorian calendar.
struct CalendarTime {
    var year: Int
    var month: Int
    var day: Int
    var hour: Int
    var minute: Int
    var second: Int
    /// 0: Sunday.
    var weekday: Int

    /// From milliseconds since 1970, by whole days since the era's start in March (so that the leap day is a year's last).
    init(milliseconds: UInt64) {
        let seconds = Int(milliseconds / 1000)
        let days = seconds / 86_400
        weekday = (days + 4) % 7
        hour = seconds % 86_400 / 3600
        minute = seconds % 3600 / 60
        second = seconds % 60
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }
}
