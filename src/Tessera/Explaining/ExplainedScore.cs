using System.Globalization;
using Tessera.Models.Explanation;

namespace Tessera.Explaining;

/// <summary>A score of one image that is explained.</summary>
/// <param name="Image">Its place in the batch.</param>
/// <param name="Name">For people.</param>
/// <param name="Score">For people: a probability, a value in its own unit; null where there is none.</param>
/// <param name="Class">Set where it is one number of a vector.</param>
/// <param name="Target">Set where it is something else; of this image alone.</param>
internal sealed record ExplainedScore(int Image, string Name, double? Score, int? Class, ScoreTarget? Target = null)
{
    /// <summary>"dog 0.931".</summary>
    public string Headline => Class is null ? Name : string.Create(CultureInfo.InvariantCulture, $"{Name} {(Score ?? double.NaN):0.000}");
}
