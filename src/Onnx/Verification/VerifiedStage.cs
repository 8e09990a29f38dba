namespace Tessera.Onnx.Verification;

/// <summary>How far a file's values are from libtorch's at one place of the model.</summary>
/// <param name="Name">"images", a tapped module, or an output.</param>
/// <param name="Shape">Of the values, for the last image.</param>
/// <param name="Largest">The largest difference over all images.</param>
/// <param name="Relative">The same as a share of the largest value of its image; what is compared exactly has the share of values that
/// differ.</param>
/// <param name="Exact">Whole numbers, which are equal or not.</param>
public sealed record VerifiedStage(string Name, IReadOnlyList<long> Shape, double Largest, double Relative, bool Exact)
{
    /// <summary>The largest relative difference that counts as equal.</summary>
    public const double Tolerance = 1e-4;

    public bool IsEqual => Relative <= Tolerance; // not where it is no number

    internal static VerifiedStage Worse(VerifiedStage a, VerifiedStage b) =>
        b with
        {
            Largest = Math.Max(a.Largest, b.Largest),
            Relative = double.IsNaN(a.Relative) || double.IsNaN(b.Relative) ? double.NaN : Math.Max(a.Relative, b.Relative),
        };
}
