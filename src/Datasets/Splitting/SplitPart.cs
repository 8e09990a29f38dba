namespace Tessera.Datasets.Splitting;

/// <summary>A part that a data set is split into.</summary>
/// <param name="Name">train, val …</param>
/// <param name="Share">Of all samples, above 0; those of all parts add up to 1.</param>
public sealed record SplitPart(string Name, double Share);

/// <summary>A label that a part has no sample of.</summary>
/// <param name="Label">Place among <see cref="Strata.Names"/>.</param>
/// <param name="Part">Place among <see cref="SplitPlan.Parts"/>.</param>
/// <param name="IsPossible">The label has at least as many samples (or groups) as there are parts; what stood against it are the
/// other labels of its samples.</param>
public sealed record UnreachedPart(int Label, int Part, bool IsPossible);
