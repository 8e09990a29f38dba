namespace Tessera.Framework.Metrics.Analysis;

/// <summary>One class's errors.</summary>
/// <param name="Name">The class.</param>
/// <param name="Objects">How many are asked for.</param>
/// <param name="Ap">Average precision, in [0, 1]; NaN where there is neither an object nor a box.</param>
/// <param name="Counts">Errors of each kind: of boxes that say this class; missed ones of objects that are of it.</param>
public sealed record TideClass(string Name, long Objects, double Ap, IReadOnlyDictionary<DetectionError, long> Counts);

/// <summary>Which errors a detector makes, and what each kind costs.</summary>
/// <param name="Ap">Mean average precision at the overlap that is asked for, in [0, 1]. A class that is predicted and never there counts
/// as 0, as with the TIDE tool; in "bbox/AP50" it doesn't count.</param>
/// <param name="Counts">Errors of each kind.</param>
/// <param name="Gains">By how much Ap would rise if this kind alone were put right; never below 0.</param>
/// <param name="FalsePositiveGain">If every box that counts as false scored below all others.</param>
/// <param name="FalseNegativeGain">If objects without a box weren't asked for.</param>
/// <param name="Classes">By index.</param>
/// <param name="Confusions">True class, class of the box, how often: the commonest first.</param>
public sealed record TideResult(
    double Ap,
    IReadOnlyDictionary<DetectionError, long> Counts,
    IReadOnlyDictionary<DetectionError, double> Gains,
    double FalsePositiveGain,
    double FalseNegativeGain,
    IReadOnlyList<TideClass> Classes,
    IReadOnlyList<(int Truth, int Predicted, long Count)> Confusions
);
