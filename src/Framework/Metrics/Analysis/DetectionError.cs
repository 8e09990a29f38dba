namespace Tessera.Framework.Metrics.Analysis;

/// <summary>What is wrong with a box that counts as false, or with an object that no box accounts for.</summary>
public enum DetectionError
{
    /// <summary>On an object well enough, but called by another class.</summary>
    Classification,

    /// <summary>The right class, too far off.</summary>
    Localisation,

    /// <summary>Another class, and too far off.</summary>
    Both,

    /// <summary>On an object that a better box has already.</summary>
    Duplicate,

    /// <summary>On nothing.</summary>
    Background,

    /// <summary>An object that no box lies on, not even one of another class or one too far off.</summary>
    Missed,
}
