namespace Tessera.Framework.Data;

/// <summary>In how many images of the training data a class occurs, as LVIS groups its classes.</summary>
public enum ClassFrequency
{
    /// <summary>In 1 to 10 images.</summary>
    Rare,

    /// <summary>In 11 to 100 images.</summary>
    Common,

    /// <summary>In more than 100 images.</summary>
    Frequent,
}
