using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Models.Distillation;
using Tessera.Models.Heads.Segmentation;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels.Segmentation;

/// <param name="Test">How images are predicted: whole or in crops, in several sizes, mirrored.</param>
/// <param name="Prior">Which of the auxiliary_heads gives the first guess to a decode head that wants one; not needed where there is but
/// one.</param>
public sealed record SegmentorOptions(SegmentationTestOptions? Test = null, string? Prior = null);

/// <summary>Images to the class of every pixel.</summary>
[Component("Segmentor"), ForTask(DataTask.Segmentation)]
public sealed class Segmentor : VisionModel, IDistillable, IGivesProbabilities, IPredictsByTensors
{
    private readonly Backbone backbone;
    private readonly Neck? neck;
    private readonly SegmentationHead decode_head;
    private readonly SegmentationHead? auxiliary_head;
    private readonly ModuleDict<SegmentationHead>? auxiliary_heads;
    private readonly ProjectionHead? projection_head;

    private readonly (string Name, SegmentationHead Head)[] _auxiliaries;
    private readonly int _prior = -1;
    private readonly SegmentationPredictor _predictor;

    /// <param name="backbone">Images to feature maps.</param>
    /// <param name="neck">Feature maps to feature maps, between backbone and heads.</param>
    /// <param name="decode_head">Feature maps to logits, with the losses.</param>
    /// <param name="auxiliary_head">A second head whose losses help in training.</param>
    /// <param name="auxiliary_heads">Several of them, by name, instead.</param>
    /// <param name="projection_head">Feature maps to embeddings, for contrastive losses.</param>
    /// <param name="data">The data's classes.</param>
    public Segmentor(
        SegmentorOptions options,
        Backbone backbone,
        Neck? neck,
        SegmentationHead decode_head,
        SegmentationHead? auxiliary_head,
        IReadOnlyDictionary<string, SegmentationHead>? auxiliary_heads,
        ProjectionHead? projection_head,
        DataInfo data
    )
        : base(nameof(Segmentor))
    {
        if (data.Task != DataTask.Segmentation)
            throw new UserErrorException($"Segmentor needs data with segmentation maps, not with a truth for {TaskNames.Of(data.Task)}.");
        if (auxiliary_head is not null && auxiliary_heads is { Count: > 0 })
            throw new UserErrorException("Segmentor takes \"auxiliary_head\" or \"auxiliary_heads\", not both.");
        (this.backbone, this.neck, this.decode_head, this.auxiliary_head, this.projection_head) = (
            backbone,
            neck,
            decode_head,
            auxiliary_head,
            projection_head
        );
        if (auxiliary_heads is { Count: > 0 })
            this.auxiliary_heads = nn.ModuleDict<SegmentationHead>([.. auxiliary_heads.Select(pair => (pair.Key, pair.Value))]);
        _auxiliaries = auxiliary_head is not null
            ? [("aux", auxiliary_head)]
            : [.. (auxiliary_heads ?? new Dictionary<string, SegmentationHead>()).Select(pair => (pair.Key, pair.Value))];
        CheckHeads();
        if (projection_head is not null)
            foreach (
                var loss in _auxiliaries
                    .Select(auxiliary => auxiliary.Head)
                    .Append(decode_head)
                    .SelectMany(head => head.modules())
                    .OfType<Loss>()
                    .Distinct()
            )
                loss.ExpectEmbeddings(projection_head.Dim);
        _prior = FindPrior(options.Prior);
        if (projection_head is not null)
            foreach (var head in _auxiliaries.Select(auxiliary => auxiliary.Head).Prepend(decode_head))
                head.ExpectEmbeddings(projection_head.Dim);
        _predictor = new SegmentationPredictor(
            options.Test ?? new SegmentationTestOptions(),
            Logits,
            new(decode_head.Classes, decode_head.AlignCorners)
        );
        RegisterComponents();
    }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps =>
        backbone.KeyMaps.ToDictionary(
            pair => pair.Key,
            pair => SegmentorKeys.Of(pair.Key, pair.Value, neck is not null, Heads, _prior < 0 ? -1 : _prior + 1)
        );

    /// <summary>Of all heads: auxiliary ones and the prior, whose regions are the classes', too.</summary>
    public override IReadOnlyCollection<ClassTensor> ClassTensors =>
        [.. Heads.SelectMany(head => head.Head.ClassTensors.Select(tensor => tensor with { Name = $"{head.Own}.{tensor.Name}" }))];

    public override Tensor Fit(string key, Tensor stored) =>
        key.StartsWith("backbone.", StringComparison.Ordinal) ? backbone.Fit(key["backbone.".Length..], stored) : stored;

    /// <summary>A head by its name in the model: "decode_head", "auxiliary_head", "auxiliary_heads.early".</summary>
    public SegmentationHead Head(string name) => Heads.Single(head => head.Own == name).Head;

    /// <summary>The heads by their names in the model, the main one first.</summary>
    private IReadOnlyList<(string Own, SegmentationHead Head)> Heads =>
        [
            (nameof(decode_head), decode_head),
            .. _auxiliaries.Select(auxiliary =>
                (auxiliary_head is not null ? nameof(auxiliary_head) : $"{nameof(auxiliary_heads)}.{auxiliary.Name}", auxiliary.Head)
            ),
        ];

    /// <param name="images">[B, C, H, W].</param>
    /// <returns>Logits at the size of the head's map, [B, classes, h, w].</returns>
    public Tensor Logits(Tensor images)
    {
        using var scope = NewDisposeScope();
        var maps = backbone.Maps(neck, images);
        return scope.MoveToOuter(Decode(maps, decode_head.WantsPrior ? _auxiliaries[_prior].Head.call(maps) : null));
    }

    public Tensor[] Outputs(Tensor images) => [Logits(images)];

    public string LogitsFrom => nameof(decode_head);

    public override LossMap Loss(Batch batch, Progress progress)
    {
        var labels =
            batch.SegmentationMaps
            ?? throw new UserErrorException(
                "Segmentor needs segmentation maps of the images' size. Put a LoadSegmentation step behind LoadImage in the pipeline."
            );
        if (labels.shape[1] != batch.Images.shape[2] || labels.shape[2] != batch.Images.shape[3])
            throw new UserErrorException(
                $"The images have {batch.Images.shape[2]} x {batch.Images.shape[3]} pixels, their segmentation maps {labels.shape[1]} "
                    + $"x {labels.shape[2]}. In training, LoadSegmentation comes before the steps that resize or crop."
            );
        using var scope = NewDisposeScope();
        var maps = backbone.Maps(neck, batch.Images);
        var guesses = _auxiliaries.Select(auxiliary => auxiliary.Head.call(maps)).ToArray();
        if (projection_head?.SharesInput(decode_head) == true)
            maps = [decode_head.Input(maps)];
        var logits = Decode(maps, decode_head.WantsPrior ? guesses[_prior] : null);
        var targets = new LossTargets(
            labels,
            Embeddings: projection_head?.call(maps),
            Embed: projection_head is null ? null : projection_head.Embed
        );

        var losses = new LossMap();
        Add("decode", decode_head.Losses(logits, targets, progress));
        foreach (var ((name, head), guess) in _auxiliaries.Zip(guesses))
            Add(name, head.Losses(guess, targets, progress));
        scope.MoveToOuter(losses.Values);
        return losses;

        void Add(string head, LossMap terms)
        {
            foreach (var (name, value) in terms)
                losses.Add($"{head}.{name}", value);
        }
    }

    public override IReadOnlyList<Prediction> Predict(Batch batch) => _predictor.Predict(batch);

    public override bool PredictsSideBySide => UnchangingModules.AreAll(this);

    public IReadOnlyList<(string Name, Tensor Value)> Predicted(Tensor images)
    {
        _predictor.RequirePlain(nameof(Segmentor));
        using var scope = NewDisposeScope();
        return [("logits", scope.MoveToOuter(decode_head.Enlarge(Logits(images), images.shape[2], images.shape[3])))];
    }

    public IEnumerable<Tensor> Probabilities(Batch batch) => _predictor.Probabilities(batch);

    private Tensor Decode(Tensor[] maps, Tensor? prior) => decode_head.call(prior is null ? maps : [.. maps, prior]);

    private void CheckHeads()
    {
        if (_auxiliaries.FirstOrDefault(auxiliary => auxiliary.Head.WantsPrior) is { Head: { } head })
            throw new UserErrorException($"{head.GetName()} refines another head's logits, so it can't be an auxiliary head.");
        if (_auxiliaries.Any(auxiliary => auxiliary.Name == "decode"))
            throw new UserErrorException("auxiliary_heads: \"decode\" is what the main head's losses are called; choose another name.");
        var wanted = decode_head.WantsEmbeddings || _auxiliaries.Any(auxiliary => auxiliary.Head.WantsEmbeddings);
        if (wanted && projection_head is null)
            throw new UserErrorException(
                "A contrastive loss compares embeddings, but the model has no projection_head. For example: \"projection_head\": { "
                    + "\"type\": \"ProjectionHead\", \"dim\": 256 }."
            );
        if (!wanted && projection_head is not null)
            throw new UserErrorException(
                "projection_head: no loss compares embeddings. Add a contrastive loss to decode_head.losses, or set projection_head "
                    + "to null."
            );
    }

    private int FindPrior(string? name)
    {
        if (!decode_head.WantsPrior)
            return name is null ? -1 : throw new UserErrorException($"prior: {decode_head.GetName()} takes no other head's logits.");
        if (_auxiliaries.Length == 0)
            throw new UserErrorException(
                $"{decode_head.GetName()} refines the logits of an auxiliary head, but there is none. For example: \"auxiliary_head\": "
                    + $"{{ \"type\": \"FcnHead\" }}."
            );
        if (name is null)
            return _auxiliaries.Length == 1
                ? 0
                : throw new UserErrorException(
                    $"prior: say which of the auxiliary_heads gives {decode_head.GetName()} its first guess: "
                        + $"{string.Join(", ", _auxiliaries.Select(a => a.Name))}."
                );
        var found = Array.FindIndex(_auxiliaries, auxiliary => auxiliary.Name == name);
        return found >= 0
            ? found
            : throw new UserErrorException(
                $"prior: there is no auxiliary head \"{name}\".{NearestName.Suggest(name, _auxiliaries.Select(a => a.Name))}"
            );
    }
}
