using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Models.Generation.Denoising;

/// <summary>Learns to draw images like those of the data by learning to tell the noise in noisy ones: from pure noise, taking away a little
/// of what it tells again and again leaves an image.</summary>
/// <remarks>
/// Ho et al., "Denoising Diffusion Probabilistic Models", 2020, arXiv:2006.11239 (the simple loss, equation 14); drawing in fewer steps:
/// Song et al., "Denoising Diffusion Implicit Models", 2020, arXiv:2010.02502, equation 12; classes and guidance: Ho and Salimans,
/// "Classifier-Free Diffusion Guidance", 2022, arXiv:2207.12598.
/// </remarks>
[Component("Diffusion"), ForTask(DataTask.Classification)]
public sealed class Diffusion : VisionModel, IGeneratesImages
{
    private const int UsualSteps = 50;
    private const double SlowestPeriod = 10_000;

    private readonly NoiseNetwork network;
    private readonly Linear time_embed1;
    private readonly Linear time_embed2;
    private readonly Embedding? class_embedding;
    private readonly Parameter? no_class;

    private readonly DiffusionOptions _options;
    private readonly DiffusionSamplingOptions _sampling;
    private readonly NoiseSchedule _schedule;
    private readonly BatchCheck _check;

    /// <param name="network">Tells the noise.</param>
    /// <param name="data">The data's classes.</param>
    /// <exception cref="UserErrorException">The options don't fit each other.</exception>
    public Diffusion(DiffusionOptions options, NoiseNetwork network, DataInfo data)
        : base(nameof(Diffusion))
    {
        if (data.Task != DataTask.Classification)
            throw new UserErrorException($"Diffusion needs images with one class each, not with a truth for {TaskNames.Of(data.Task)}.");
        (_options, _sampling) = (options, options.Sampling ?? new DiffusionSamplingOptions());
        if (_sampling.Steps > options.Steps)
            throw new UserErrorException($"Diffusion: sampling.steps is {_sampling.Steps}, but there are only {options.Steps} steps.");
        if (_sampling.Guidance != 1 && !(options is { ByClass: true, LabelDropout: > 0 }))
            throw new UserErrorException(
                $"Diffusion: sampling.guidance {_sampling.Guidance} needs by_class and a label_dropout above 0, such as 0.1."
            );
        this.network = network;
        _schedule = new NoiseSchedule(options.Noise, options.Steps);
        _check = new BatchCheck(nameof(Diffusion), ImageShape);
        var width = network.EmbedWidth;
        time_embed1 = nn.Linear(width, width);
        time_embed2 = nn.Linear(width, width);
        if (options.ByClass)
        {
            class_embedding = nn.Embedding(data.Classes.Count, width);
            nn.init.normal_(class_embedding.weight!, std: 0.02);
            if (options.LabelDropout > 0)
                no_class = nn.Parameter(zeros(width));
        }
        RegisterComponents();
        Torch.Layers.Kept.Keep(this);
    }

    public (int Channels, int Height, int Width) ImageShape => (network.Channels, network.Size, network.Size);

    public bool ByClass => _options.ByClass;

    public override IReadOnlyCollection<ClassTensor> ClassTensors =>
        class_embedding is null ? [] : [new($"{nameof(class_embedding)}.weight")];

    /// <returns>"noise_mse": the squared distance of the noise that is told from the noise there is, the mean over all values.</returns>
    public override LossMap Loss(Batch batch, Progress progress)
    {
        var labels = _check.Labels(batch);
        using var scope = NewDisposeScope();
        var count = batch.Images.shape[0];
        var times = randint(0, _schedule.Steps, [count], device: batch.Images.device);
        var noise = randn(batch.Images.shape, device: batch.Images.device);
        Tensor? secret = null;
        if (no_class is not null)
            secret = rand([count], device: batch.Images.device).lt(_options.LabelDropout);
        var told = Told(Noisy(batch.Images, times, noise), times, labels, secret);
        return new LossMap { ["noise_mse"] = scope.MoveToOuter((told.to(ScalarType.Float32) - noise).square().mean()) };
    }

    /// <returns>"noise_mse" of each image at a time and with noise that belong to its place in the data: the same at each
    /// evaluation.</returns>
    public override IReadOnlyList<Prediction> Predict(Batch batch)
    {
        var labels = _check.Labels(batch);
        using var scope = NewDisposeScope();
        var indices = batch.Samples.Select(sample => (long)sample.Index).ToArray();
        var times = tensor(indices.Select(index => (long)RandomSource.For(index, 1, 0).Next(_schedule.Steps)).ToArray())
            .to(batch.Images.device);
        var (channels, height, width) = ImageShape;
        var noise = new NoiseStreams(indices, batch.Images.device).Normal(channels, height, width);
        var told = Told(Noisy(batch.Images, times, noise), times, labels, null).to(ScalarType.Float32);
        var errors = (told - noise).square().mean([1, 2, 3]).cpu().Values<float>();
        return [.. errors.Select(error => new ScorePrediction("noise_mse", error) { OutputIsFinite = float.IsFinite(error) })];
    }

    /// <summary>x(t) of images: √ᾱ(t) · image + √(1 - ᾱ(t)) · noise (equation 4).</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <param name="times">[B], int64.</param>
    /// <param name="noise">As the images.</param>
    public Tensor Noisy(Tensor images, Tensor times, Tensor noise)
    {
        using var scope = NewDisposeScope();
        var left = tensor(Enumerable.Range(0, _schedule.Steps).Select(t => (float)_schedule.Left(t)).ToArray())
            .to(images.device)
            .index_select(0, times)
            .reshape(-1, 1, 1, 1);
        return scope.MoveToOuter(left.sqrt() * images + (1 - left).sqrt() * noise);
    }

    public Tensor Generate(Tensor labels, NoiseStreams noise)
    {
        using var scope = NewDisposeScope();
        var (channels, height, width) = ImageShape;
        var x = noise.Normal(channels, height, width);
        var times = _schedule.Times(_sampling.Steps ?? Math.Min(UsualSteps, _schedule.Steps));
        for (var i = 0; i < times.Length; i++)
        {
            using var step = NewDisposeScope();
            var before = i + 1 < times.Length ? times[i + 1] : -1;
            var told = Guided(x, times[i], labels);
            var next = Step(x, told, times[i], before, () => noise.Normal(channels, height, width));
            x.Dispose();
            x = step.MoveToOuter(next);
        }
        return scope.MoveToOuter(x.clamp_min(-1).clamp_max(1));
    }

    /// <summary>It can't tell what an image shows.</summary>
    public Tensor? Agreement(Tensor images, Tensor labels) => null;

    /// <summary>x(s) from x(t) and the noise that is told in it.</summary>
    internal Tensor Step(Tensor x, Tensor told, int t, int s, Func<Tensor> fresh)
    {
        var (leftT, leftS) = (_schedule.Left(t), _schedule.Left(s));
        var image = (x - Math.Sqrt(1 - leftT) * told) / Math.Sqrt(leftT);
        if (_sampling.Clip)
            image = image.clamp_min(-1).clamp_max(1);
        var posterior = _schedule.Posterior(t, s);
        if (_sampling.Sampler == DiffusionSampler.Ancestral)
        {
            var mean = posterior.Image * image + posterior.Noisy * x;
            return posterior.Variance > 0 ? mean + Math.Sqrt(posterior.Variance) * fresh() : mean;
        }
        var noise = (x - Math.Sqrt(leftT) * image) / Math.Sqrt(1 - leftT); // what it is after the clipping
        var sigma = _sampling.Eta * Math.Sqrt(posterior.Variance);
        var next = Math.Sqrt(leftS) * image + Math.Sqrt(Math.Max(0, 1 - leftS - sigma * sigma)) * noise;
        return sigma > 0 ? next + sigma * fresh() : next;
    }

    /// <summary>The noise that is told with the class, driven away from what is told without it where guidance is above 1.</summary>
    private Tensor Guided(Tensor x, int time, Tensor labels)
    {
        var times = full([x.shape[0]], (long)time, ScalarType.Int64, x.device);
        var withClass = Told(x, times, labels, null).to(ScalarType.Float32);
        if (_sampling.Guidance == 1)
            return withClass;
        var without = Told(x, times, labels, ones([x.shape[0]], device: x.device).gt(0)).to(ScalarType.Float32);
        return without + _sampling.Guidance * (withClass - without);
    }

    /// <param name="secret">[B], whose classes are not told to the network; null: of none.</param>
    private Tensor Told(Tensor x, Tensor times, Tensor labels, Tensor? secret)
    {
        var embedding = time_embed2.call(UNetBlock.Silu(time_embed1.call(Waves(times, network.EmbedWidth))));
        if (class_embedding is not null)
        {
            var classes = class_embedding.call(labels);
            if (secret is not null && no_class is not null)
                classes = where(secret.unsqueeze(1), no_class.expand(classes.shape), classes);
            embedding = embedding + classes;
        }
        return network.call(x, embedding);
    }

    /// <summary>Sines and cosines of a time, as positions in a transformer.</summary>
    /// <param name="times">[B].</param>
    /// <param name="width">Even.</param>
    /// <returns>[B, width]: sines, then cosines.</returns>
    internal static Tensor Waves(Tensor times, int width)
    {
        var half = width / 2;
        var rates = tensor(Enumerable.Range(0, half).Select(i => (float)Math.Exp(-Math.Log(SlowestPeriod) * i / half)).ToArray())
            .to(times.device);
        var angles = times.to(ScalarType.Float32).unsqueeze(1) * rates.unsqueeze(0);
        return cat([angles.sin(), angles.cos()], 1);
    }
}
