import Glibc

/// The counts that chance alone explains: out of n independent draws with probability p, all but one in a million times the
/// hits lie in this band. Computed exactly, from both tails.
package struct BinomialBand: Equatable, Sendable {
    /// The fewest and the most hits.
    package var lowest: Int
    package var highest: Int

    /// The two tails together.
    package static let outside = 1e-6

    /// Cost: at most n evaluations of the probability mass.
    package init(draws: Int, probability: Double) {
        guard draws > 0, probability > 0 else {
            (lowest, highest) = (0, 0)
            return
        }
        guard probability < 1 else {
            (lowest, highest) = (draws, draws)
            return
        }
        let mass = { (hits: Int) -> Double in
            let (n, k) = (Double(draws), Double(hits))
            let combinations = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
            return exp(combinations + k * log(probability) + (n - k) * log1p(-probability))
        }
        var tail = 0.0
        lowest = 0
        while lowest < draws {
            tail += mass(lowest)
            if tail > Self.outside / 2 { break }
            lowest += 1
        }
        tail = 0
        highest = draws
        while highest > 0 {
            tail += mass(highest)
            if tail > Self.outside / 2 { break }
            highest -= 1
        }
    }

    package func contains(_ hits: Int) -> Bool { lowest <= hits && hits <= highest }
}
