namespace Tessera.Models.Generation;

/// <summary>How a <see cref="Gan"/> knows classes.</summary>
public enum GanCondition
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>The discriminator judges an image together with its class, by an inner product of the class's embedding and the image's
    /// features.</summary>
    Projection,

    /// <summary>The discriminator has a second head that tells classes, and the generator is to please it, too (AC-GAN).</summary>
    Ac,
}

/// <param name="Condition">How it knows classes: none, projection or ac.</param>
/// <param name="ClassWeight">Factor of the classes' cross entropy, in ac.</param>
/// <param name="DiffAugment">Changes of real and generated images before the discriminator sees them; none where unset.</param>
/// <param name="GeneratorEvery">The generator steps in every n-th step of the discriminator only.</param>
public sealed record GanOptions(
    GanCondition Condition = GanCondition.None,
    [property: Range(0.0, 1e6)] double ClassWeight = 1,
    DiffAugmentOptions? DiffAugment = null,
    [property: Range(1, 100)] int GeneratorEvery = 1
);
