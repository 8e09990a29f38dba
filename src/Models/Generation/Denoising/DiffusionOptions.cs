namespace Tessera.Models.Generation.Denoising;

/// <summary>How images are drawn from noise.</summary>
public enum DiffusionSampler
{
    /// <summary>Each step draws from what is known of the one before (Ho et al., algorithm 2, with the posterior's variance).</summary>
    Ancestral,

    /// <summary>Each step goes the way of the predicted noise, with as much new noise as eta says: good with few steps.</summary>
    Ddim,
}

/// <param name="Sampler">ancestral or ddim.</param>
/// <param name="Steps">How many of the diffusion's steps are taken, evenly spread; by default all.</param>
/// <param name="Eta">Of ddim: 0 adds no noise, so that an image depends on its first noise alone; 1 is the ancestral sampler.</param>
/// <param name="Guidance">How much stronger than learnt a class speaks: 1 as learnt, more for clearer and more alike images.</param>
/// <param name="Clip">Keep the image that is foreseen at each step within [-1, 1].</param>
public sealed record DiffusionSamplingOptions(
    DiffusionSampler Sampler = DiffusionSampler.Ddim,
    [property: Range(1, 100_000)] int? Steps = null,
    [property: Range(0.0, 1.0)] double Eta = 0,
    [property: Range(0.0, 100.0)] double Guidance = 1,
    bool Clip = true
);

/// <param name="Steps">Of the diffusion, T.</param>
/// <param name="Noise">How noise grows: linear or cosine.</param>
/// <param name="ByClass">Whether it learns classes; false: the class of an image means nothing.</param>
/// <param name="LabelDropout">The share of training images whose class is kept secret, from which it learns images of any class: what a
/// guidance other than 1 needs.</param>
/// <param name="Sampling">How images are drawn; by default by DDIM in 50 steps.</param>
public sealed record DiffusionOptions(
    [property: Range(2, 100_000)] int Steps = 1000,
    NoiseCourse Noise = NoiseCourse.Linear,
    bool ByClass = true,
    [property: Range(0.0, 0.99)] double LabelDropout = 0.1,
    DiffusionSamplingOptions? Sampling = null
);
