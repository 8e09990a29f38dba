using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Generation;

/// <summary>Learns to draw images like those of the data: a generator draws, a discriminator tells drawn from real, each by an optimizer of
/// its own.</summary>
/// <remarks>
/// Goodfellow et al., "Generative Adversarial Nets", 2014, arXiv:1406.2661. With classes: the projection discriminator of Miyato and
/// Koyama, "cGANs with Projection Discriminator", 2018, arXiv:1802.05637, or the auxiliary classifier of Odena et al., "Conditional Image
/// Synthesis with Auxiliary Classifier GANs", 2016, arXiv:1610.09585; there the discriminator learns classes from real images alone, and
/// the images of a class are known to become alike. One step: the discriminator's, on the batch and as many drawn images of the same
/// classes; then the generator's, on the same images judged anew. The config's optimizers are named "generator" and "discriminator".
/// </remarks>
[Component("Gan"), ForTask(DataTask.Classification)]
public sealed class Gan : VisionModel, IGeneratesImages
{
    /// <summary>The names of the two optimizers, which are those of the parts that they train.</summary>
    public const string GeneratorName = "generator";

    /// <summary>The other one.</summary>
    public const string DiscriminatorName = "discriminator";

    private readonly ImageGenerator generator;
    private readonly DiscriminatorHeads discriminator;

    private readonly GanOptions _options;
    private readonly GanLoss _loss;
    private readonly DiffAugment? _augment;
    private readonly BatchCheck _check;

    /// <param name="generator">Noise to images.</param>
    /// <param name="discriminator">Images to maps, which the heads for realness and classes read.</param>
    /// <param name="data">The data's classes.</param>
    /// <param name="loss">By default BceGanLoss.</param>
    /// <exception cref="UserErrorException">The parts don't fit each other.</exception>
    public Gan(GanOptions options, ImageGenerator generator, ImageDiscriminator discriminator, DataInfo data, GanLoss? loss = null)
        : base(nameof(Gan))
    {
        if (data.Task != DataTask.Classification)
            throw new UserErrorException($"Gan needs images with one class each, not with a truth for {TaskNames.Of(data.Task)}.");
        if (generator.Size != discriminator.Size)
            throw new UserErrorException(
                $"Gan: the generator draws {generator.Size} x {generator.Size} pixels, the discriminator takes {discriminator.Size} x "
                    + $"{discriminator.Size}. Give both one size."
            );
        if (options.Condition == GanCondition.None != (generator.ClassEmbed == 0))
            throw new UserErrorException(
                options.Condition == GanCondition.None
                    ? $"Gan: the generator's class_embed is {generator.ClassEmbed}, but condition is none. Set condition to projection or "
                        + "ac."
                    : $"Gan: condition is {options.Condition.ToString().ToLowerInvariant()}, so the generator must know classes. Give it a "
                        + "class_embed, such as 64."
            );
        (_options, _loss) = (options, loss ?? new BceGanLoss());
        this.generator = generator;
        this.discriminator = new DiscriminatorHeads(discriminator, options.Condition, data.Classes.Count);
        _augment = options.DiffAugment is { } augment ? new DiffAugment(augment) : null;
        _check = new BatchCheck(nameof(Gan), ImageShape);
        RegisterComponents();
    }

    public (int Channels, int Height, int Width) ImageShape => (generator.OutChannels, generator.Size, generator.Size);

    public bool ByClass => _options.Condition != GanCondition.None;

    public override IReadOnlyCollection<ClassTensor> ClassTensors =>
        [
            .. generator.ClassTensor is { } own ? (ClassTensor[])[new($"{nameof(generator)}.{own}")] : [],
            .. discriminator.ClassTensors.Select(name => new ClassTensor($"{nameof(discriminator)}.{name}")),
        ];

    public override IReadOnlyList<string> OptimizerNames => [GeneratorName, DiscriminatorName];

    /// <summary>The losses of both, as one step begins; <see cref="TrainStep"/> takes them apart.</summary>
    public override LossMap Loss(Batch batch, Progress progress)
    {
        var labels = _check.Labels(batch);
        using var scope = NewDisposeScope();
        var fake = Drawn(batch, labels);
        var losses = OfDiscriminator(batch.Images, fake.detach(), labels);
        foreach (var (name, term) in OfGenerator(fake, labels))
            losses.Add(name, term);
        foreach (var term in losses.Values)
            scope.MoveToOuter(term);
        return losses;
    }

    /// <returns>"d_real" and "d_fake" of the discriminator, "g" of the generator; with ac "d_class" and "g_class", too. The generator's
    /// only where it stepped.</returns>
    public override LossMap TrainStep(Batch batch, OptimizerSet optimizers, Progress progress)
    {
        OptimizerSet.Require(this, optimizers.Names);
        var (forDiscriminator, forGenerator) = (optimizers[DiscriminatorName], optimizers[GeneratorName]);
        var labels = _check.Labels(batch);
        using var scope = NewDisposeScope();
        Tensor fake;
        LossMap losses;
        using (optimizers.Autocast())
        {
            fake = Drawn(batch, labels);
            losses = OfDiscriminator(batch.Images, fake.detach(), labels);
        }
        forDiscriminator.Step(losses.Total());
        if (progress.Iteration % _options.GeneratorEvery == 0)
        {
            LossMap own;
            using (optimizers.Autocast())
                own = OfGenerator(fake, labels);
            forGenerator.Step(own.Total());
            foreach (var (name, term) in own)
                losses.Add(name, term);
        }
        foreach (var term in losses.Values)
            scope.MoveToOuter(term);
        return losses;
    }

    /// <returns>The classes that the discriminator sees, where it knows classes; otherwise its score, "score".</returns>
    public override IReadOnlyList<Prediction> Predict(Batch batch)
    {
        using var scope = NewDisposeScope();
        var map = discriminator.call(batch.Images);
        if (discriminator.Classes(map) is not { } logits)
            return [.. discriminator.Score(map, zeros(0, ScalarType.Int64)).to(ScalarType.Float32).cpu().Values<float>().Select(Score)];
        var scores = logits.to(ScalarType.Float32).softmax(1).cpu();
        var rows = scores.Values<float>().Chunk((int)scores.shape[1]);
        return [.. rows.Select(row => new ClassPrediction(row, Array.IndexOf(row, row.Max())))];

        static Prediction Score(float value) => new ScorePrediction("score", value);
    }

    public Tensor Generate(Tensor labels, NoiseStreams noise)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(generator.Draw(noise.Normal(generator.Latent), labels).to(ScalarType.Float32));
    }

    /// <summary>The probability that the discriminator gives the class: of ac its classifier's, of projection a softmax over the classes'
    /// terms, which is no calibrated probability. A classifier of one's own is the better judge.</summary>
    public Tensor? Agreement(Tensor images, Tensor labels)
    {
        using var scope = NewDisposeScope();
        if (discriminator.Classes(discriminator.call(images)) is not { } logits)
            return null;
        return scope.MoveToOuter(logits.to(ScalarType.Float32).softmax(1).gather(1, labels.unsqueeze(1)).squeeze(1));
    }

    private Tensor Drawn(Batch batch, Tensor labels) =>
        generator.Draw(randn([batch.Images.shape[0], generator.Latent], device: batch.Images.device), labels);

    private LossMap OfDiscriminator(Tensor real, Tensor fake, Tensor labels)
    {
        var realMap = discriminator.call(Augmented(real));
        var fakeMap = discriminator.call(Augmented(fake));
        var losses = new LossMap
        {
            ["d_real"] = _loss.Real(Float(discriminator.Score(realMap, labels))),
            ["d_fake"] = _loss.Fake(Float(discriminator.Score(fakeMap, labels))),
        };
        AddClasses(losses, "d_class", realMap, labels);
        return losses;
    }

    private LossMap OfGenerator(Tensor fake, Tensor labels)
    {
        var map = discriminator.call(Augmented(fake));
        var losses = new LossMap { ["g"] = _loss.Generator(Float(discriminator.Score(map, labels))) };
        AddClasses(losses, "g_class", map, labels);
        return losses;
    }

    private void AddClasses(LossMap losses, string name, Tensor map, Tensor labels)
    {
        if (_options is { Condition: GanCondition.Ac, ClassWeight: > 0 })
            losses[name] = nn.functional.cross_entropy(Float(discriminator.Classes(map)!), labels) * _options.ClassWeight;
    }

    private Tensor Augmented(Tensor images) => _augment?.Apply(Float(images)) ?? images;

    private static Tensor Float(Tensor values) => values.to(ScalarType.Float32);
}
