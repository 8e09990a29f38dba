namespace Tessera.Framework.Metrics.Analysis;

/// <summary>What is forgiven, one after the other; each step forgives all before it, too.</summary>
public enum CocoErrorStep
{
    /// <summary>Nothing, at an overlap of 0.75.</summary>
    C75,

    /// <summary>Nothing, at an overlap of 0.5.</summary>
    C50,

    /// <summary>Bad places: an overlap of 0.1 is enough.</summary>
    Loc,

    /// <summary>Boxes on objects of similar classes.</summary>
    Sim,

    /// <summary>Boxes on objects of any other class.</summary>
    Oth,

    /// <summary>Boxes on the background.</summary>
    BG,

    /// <summary>Objects that are not found.</summary>
    FN,
}
