using Tessera.Framework.Components;

namespace Tessera.Framework.Data;

/// <summary>A step of the pipeline. Stateless: one instance serves several threads at once.</summary>
[ComponentKind("transform")]
public abstract class Transform
{
    /// <summary>Whether the step only reads what is known of an image, and has no place where nothing is.</summary>
    public virtual bool ReadsTruth => false;

    /// <summary>Whether the step only reads a file into the sample: after such steps alone, the sample is as its files have it.</summary>
    public virtual bool Loads => false;

    /// <summary>Whether the step may leave fewer objects than an image has: by a crop, a turn, or because it drops some.</summary>
    public virtual bool LosesObjects => false;

    /// <summary>Changes the sample, or returns another.</summary>
    /// <param name="random">The only source of randomness.</param>
    public abstract Sample Apply(Sample sample, RandomSource random);
}
