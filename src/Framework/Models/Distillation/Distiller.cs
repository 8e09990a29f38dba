using Tessera.Framework.Data;
using Tessera.Torch.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Models.Distillation;

/// <summary>What a <see cref="Distiller"/> knows of the teacher.</summary>
/// <param name="Model">On the student's device, its weights loaded.</param>
/// <param name="Data">The classes that it was trained on.</param>
public sealed record Teacher(VisionModel Model, DataInfo Data)
{
    /// <summary>Turns the student's images, [B, C, H, W], into the teacher's, which are normalised otherwise; null where they are
    /// alike.</summary>
    public Func<Tensor, Tensor>? Adjust { get; init; }
}

/// <summary>
/// Has a model learn from a teacher as well: shows the teacher every batch that the student was shown, mixed images included, and adds
/// to the student's losses those that compare the two. It belongs to a training, not to the model: the student's state dict, its
/// checkpoints and its costs have nothing of the teacher.
/// </summary>
/// <remarks>Hinton et al., "Distilling the knowledge in a neural network", 2015, arXiv:1503.02531.</remarks>
public sealed class Distiller : nn.Module
{
    /// <summary>How the names of the terms' parameters begin.</summary>
    public const string Prefix = "distill";

    private readonly ModuleDict<DistillationTerm> losses;

    private readonly Teacher _teacher;
    private readonly double _ownWeight;
    private readonly Tensor? _order; // of the teacher's classes; null where they are the student's
    private readonly Tap _logits;
    private readonly Tap? _maps,
        _teacherMaps;
    private readonly (string Name, DistillationTerm Term)[] _terms;

    /// <param name="data">The student's classes.</param>
    /// <param name="terms">By names of the user's choosing.</param>
    /// <param name="ownWeight">Factor of the losses that the student has by itself.</param>
    /// <exception cref="UserErrorException">Teacher and student are of different tasks or classes, or one of them can't be
    /// compared.</exception>
    public Distiller(
        VisionModel student,
        DataInfo data,
        Teacher teacher,
        IReadOnlyDictionary<string, DistillationTerm> terms,
        double ownWeight = 1
    )
        : base(nameof(Distiller))
    {
        if (terms.Count == 0)
            throw new UserErrorException("distill.losses: name at least one, such as { \"soft\": { \"type\": \"SoftTargetLoss\" } }.");
        (_teacher, _ownWeight, _terms) = (teacher, ownWeight, [.. terms.Select(term => (term.Key, term.Value))]);
        if (teacher.Data.Task != data.Task)
            throw new UserErrorException(
                $"distill.teacher is a model for {TaskNames.Of(teacher.Data.Task)}, the student one for {TaskNames.Of(data.Task)}."
            );
        var from = LogitsOf(student, "The model");
        LogitsOf(teacher.Model, "distill.teacher");
        if (terms.Values.Any(term => term.ComparesLogits))
            _order = ClassOrder(data.Classes, teacher.Data.Classes);
        var (own, others) = (Maps(student), Maps(teacher.Model));
        foreach (var (_, term) in _terms)
            term.Prepare(own.Backbone, others.Backbone, data.Task);
        losses = nn.ModuleDict<DistillationTerm>([.. _terms]);
        RegisterComponents();
        Kept.Keep(this);

        teacher.Model.eval();
        foreach (var parameter in teacher.Model.parameters())
            parameter.requires_grad = false;
        _logits = student.Tap(from);
        if (terms.Values.Any(term => term.ComparesMaps))
            (_maps, _teacherMaps) = (student.Tap(own.Name), teacher.Model.Tap(others.Name));
    }

    /// <summary>Adds the terms to what the student's forward over the same images has given.</summary>
    /// <param name="losses">The student's own, which are weighted by the factor for them; their tensors are replaced.</param>
    /// <param name="images">What the student was shown, [B, C, H, W].</param>
    /// <exception cref="UserErrorException">Student and teacher give maps of different sizes.</exception>
    public void AddTo(LossMap losses, Tensor images)
    {
        using var scope = NewDisposeScope();
        if (_ownWeight != 1)
            foreach (var own in losses.Keys.ToArray())
                losses[own] = losses[own] * _ownWeight;
        Tensor taught;
        using (no_grad())
        {
            taught = ((IDistillable)_teacher.Model).Outputs(_teacher.Adjust?.Invoke(images) ?? images)[0].to(ScalarType.Float32);
            if (_order is not null)
                taught = taught.index_select(1, _order);
        }
        var lesson = new Lesson(
            _logits.Value.to(ScalarType.Float32),
            taught,
            [.. (_maps?.Values ?? []).Select(map => map.to(ScalarType.Float32))],
            [.. (_teacherMaps?.Values ?? []).Select(map => map.to(ScalarType.Float32))]
        );
        foreach (var (name, term) in _terms)
            losses.Add($"{Prefix}.{name}", term.Compute(lesson) * term.Weight);
        scope.MoveToOuter(losses.Values);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _logits.Dispose();
            _maps?.Dispose();
            _teacherMaps?.Dispose();
            _order?.Dispose();
        }
        base.Dispose(disposing);
    }

    private static string LogitsOf(VisionModel model, string which) =>
        model is IDistillable distillable
            ? distillable.LogitsFrom
            : throw new UserErrorException(
                $"{which} is a {model.GetName()}, which gives no logits to learn from. ImageClassifier and Segmentor do."
            );

    private static (string Name, Backbone Backbone) Maps(VisionModel model)
    {
        var (name, backbone) = model.Having<Backbone>().First(); // a model that gives logits has one
        return (name, backbone);
    }

    /// <returns>For each of the student's classes its place among the teacher's; null where they are in the same order.</returns>
    private Tensor? ClassOrder(IReadOnlyList<string> student, IReadOnlyList<string> teacher)
    {
        var (missing, others) = (student.Except(teacher).ToArray(), teacher.Except(student).ToArray());
        if (missing.Length + others.Length > 0)
            throw new UserErrorException(
                $"distill.teacher knows other classes than the data: {Difference("it lacks", missing)}{Difference("it alone has", others)}"
                    + "Terms that compare maps alone (FeatureLoss) go by no classes."
            );
        if (student.SequenceEqual(teacher))
            return null;
        var places = teacher.Select((name, i) => (name, i)).ToDictionary(pair => pair.name, pair => (long)pair.i);
        var device = _teacher.Model.parameters().Select(parameter => parameter.device).FirstOrDefault() ?? CPU;
        return tensor(student.Select(name => places[name]).ToArray()).to(device).DetachFromDisposeScope();

        static string Difference(string what, string[] names)
        {
            const int few = 5;
            return names.Length == 0
                ? ""
                : $"{what} {string.Join(", ", names.Take(few))}{(names.Length > few ? $" and {names.Length - few} more" : "")}. ";
        }
    }
}
