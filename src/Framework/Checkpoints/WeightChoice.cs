namespace Tessera.Framework.Checkpoints;

/// <summary>Which weights are taken where a file has both: the average that a run kept of them, or those that it trained.</summary>
public enum WeightChoice
{
    /// <summary>The average, which runs evaluate with.</summary>
    Averaged,

    /// <summary>As training left them.</summary>
    Trained,
}
