/// Finds what a misspelt word was meant to be.
enum Spelling {
    /// The name that differs least, if it differs little: in case, by underscores for capitals, or by a letter or two.
    static func nearest(to word: String, among names: [String]) -> String? {
        guard word.utf8.count <= 64 else { return nil }
        let plain = simplified(word)
        if let same = names.first(where: { simplified($0) == plain }) { return same }
        let limit = max(1, min(3, plain.count / 3))
        var best: (name: String, distance: Int)?
        for name in names {
            let distance = distance(plain, simplified(name))
            if distance <= limit, distance < best?.distance ?? .max { best = (name, distance) }
        }
        return best?.name
    }

    private static func simplified(_ word: String) -> [UInt8] {
        word.lowercased().utf8.filter { $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "-") }
    }

    /// Letters to insert, drop, change, or exchange with their neighbour (optimal string alignment).
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var rows = [Array(0...right.count)]
        for (i, a) in left.enumerated() {
            var row = [i + 1]
            for (j, b) in right.enumerated() {
                var cost = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a == b ? 0 : 1))
                if i > 0, j > 0, a == right[j - 1], left[i - 1] == b { cost = min(cost, rows[i - 1][j - 1] + 1) }
                row.append(cost)
            }
            rows.append(row)
        }
        return rows[left.count][right.count]
    }
}
