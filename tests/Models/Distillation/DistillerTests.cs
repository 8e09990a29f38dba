using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Models.Distillation;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Distillation;

[Collection(ProcessWide.Name)]
public sealed class DistillerTests
{
    private const string Classifier = """
        {
          "type": "ImageClassifier",
          "backbone": { "type": "ResNet", "depth": 18, "stage_blocks": [1, 1], "stem": "small", "base_channels": 4, "out_indices": [1] },
          "head": { "type": "LinearHead" }
        }
        """;

    private static VisionModel Model(DataInfo data, string config = Classifier) => Build.From<VisionModel>(config, data);

    private static Dictionary<string, DistillationTerm> Terms(params string[] configs) =>
        configs.Select((config, i) => (config, i)).ToDictionary(pair => $"term{pair.i}", pair => Build.From<DistillationTerm>(pair.config));

    /// <summary>The sum is own · own weight + T² KL · weight, of the logits that the two models give by themselves.</summary>
    [Fact]
    public void AddTo_SoftTargets_AreOfTheLogitsOfBoth()
    {
        using var scope = NewDisposeScope();
        var data = Build.Classes(3);
        using var student = Model(data);
        using var teacher = Model(data);
        var terms = Terms("""{ "type": "SoftTargetLoss", "temperature": 1, "weight": 0.5 }""");
        using var distiller = new Distiller(student, data, new Teacher(teacher, data), terms, ownWeight: 0.25);
        Assert.False(teacher.training);
        Assert.All(teacher.parameters(), parameter => Assert.False(parameter.requires_grad));

        using var batch = Build.Batch(4, 16, data);
        student.eval(); // so that logits asked for again are the same
        var losses = student.Loss(batch, default);
        var own = losses["loss"].item<float>();
        distiller.AddTo(losses, batch.Images);
        Assert.Equal(["loss", "distill.term0"], losses.Keys);
        Assert.Equal(own / 4, losses["loss"].item<float>(), 1e-6);
        var (p, q) = (
            ((IExplainable)teacher).Outputs(batch.Images)[0].softmax(1),
            ((IExplainable)student).Outputs(batch.Images)[0].softmax(1)
        );
        Assert.Equal((p * (p / q).log()).sum().item<float>() / 4 / 2, losses["distill.term0"].item<float>(), 1e-5);

        losses.Total().backward();
        Assert.All(student.parameters(), parameter => Assert.NotNull(parameter.grad));
        Assert.All(teacher.parameters(), parameter => Assert.Null(parameter.grad));
    }

    /// <summary>A teacher that is the student with its classes in another order teaches it nothing.</summary>
    [Fact]
    public void AddTo_TeacherOfClassesInAnotherOrder_IsMatchedByName()
    {
        using var scope = NewDisposeScope();
        var data = Build.Classes(3);
        using var student = Model(data);
        using var teacher = Model(data);
        teacher.load_state_dict(student.state_dict());
        var turned = tensor((long[])[2, 0, 1]);
        using (no_grad())
            foreach (
                var (name, parameter) in teacher.named_parameters().Where(entry => entry.name.StartsWith("head", StringComparison.Ordinal))
            )
                parameter.copy_(parameter.index_select(0, turned));
        var others = data with { Classes = ["class2", "class0", "class1"] };
        using var distiller = new Distiller(student, data, new Teacher(teacher, others), Terms("""{ "type": "SoftTargetLoss" }"""));
        using var batch = Build.Batch(4, 16, data);
        student.eval();
        var losses = student.Loss(batch, default);
        distiller.AddTo(losses, batch.Images);
        Assert.Equal(0, losses["distill.term0"].item<float>(), 1e-5);
    }

    [Fact]
    public void AddTo_ImagesThatTheTeacherNormalizesOtherwise_AreAdjusted()
    {
        using var scope = NewDisposeScope();
        var data = Build.Classes(3);
        using var student = Model(data);
        using var teacher = Model(data);
        teacher.load_state_dict(student.state_dict());
        var adjusted = new Teacher(teacher, data) { Adjust = images => images * 2 };
        using var distiller = new Distiller(student, data, adjusted, Terms("""{ "type": "SoftTargetLoss" }"""));
        using var batch = Build.Batch(4, 16, data);
        student.eval();
        var expected = new LossMap();
        var losses = student.Loss(batch, default);
        distiller.AddTo(losses, batch.Images);
        Assert.True(losses["distill.term0"].item<float>() > 1e-6);
        student.Loss(
            new Batch
            {
                Images = batch.Images * 2,
                Labels = batch.Labels,
                Samples = batch.Samples,
            },
            default
        );
        distiller.AddTo(expected, batch.Images);
        Assert.Equal(0, expected["distill.term0"].item<float>(), 1e-6);
    }

    [Fact]
    public void FeatureLoss_IsTrainedAlong_AndIsNoPartOfTheStudent()
    {
        using var scope = NewDisposeScope();
        var data = Build.Classes(3);
        using var student = Model(data);
        using var teacher = Model(data);
        var keys = student.state_dict().Keys.ToArray();
        using var distiller = new Distiller(student, data, new Teacher(teacher, data), Terms("""{ "type": "FeatureLoss" }"""));
        Assert.Equal(keys, student.state_dict().Keys);
        Assert.Equal(
            ["losses.term0.proj.bias", "losses.term0.proj.weight"],
            distiller.named_parameters().Select(entry => entry.name).Order()
        );
        using var batch = Build.Batch(4, 16, data);
        var losses = student.Loss(batch, default);
        distiller.AddTo(losses, batch.Images);
        losses["distill.term0"].backward();
        Assert.All(distiller.parameters(), parameter => Assert.NotNull(parameter.grad));
        Assert.NotNull(student.named_parameters().First(entry => entry.name == "backbone.conv1.weight").parameter.grad);
        Assert.Null(student.named_parameters().First(entry => entry.name == "head.fc.weight").parameter.grad);
    }

    [Fact]
    public void Segmentor_LearnsFromAnother()
    {
        using var scope = NewDisposeScope();
        const string config = """
            {
              "type": "Segmentor",
              "backbone": { "type": "ResNet", "depth": 18, "stage_blocks": [1, 1], "stem": "small", "base_channels": 4, "out_indices": [0, 1] },
              "decode_head": { "type": "FcnHead", "channels": 4, "num_convs": 1 }
            }
            """;
        var data = Build.Classes(3, DataTask.Segmentation);
        using var student = Model(data, config);
        using var teacher = Model(data, config);
        using var distiller = new Distiller(student, data, new Teacher(teacher, data), Terms("""{ "type": "ChannelWiseLoss" }"""));
        using var batch = new Batch
        {
            Images = Formula.Values("images", 2, 3, 16, 16),
            SegmentationMaps = zeros(2, 16, 16, dtype: ScalarType.Int64),
            Samples = [new Sample { Index = 0, Name = "a" }, new Sample { Index = 1, Name = "b" }],
        };
        var losses = student.Loss(batch, default);
        distiller.AddTo(losses, batch.Images);
        Assert.True(losses["distill.term0"].item<float>() > 0);
    }

    [Fact]
    public void Create_OtherClassesOrAnotherTask_IsAUsersMistake()
    {
        var data = Build.Classes(3);
        using var student = Model(data);
        using var teacher = Model(data);
        var terms = Terms("""{ "type": "SoftTargetLoss" }""");
        var classes = Assert.Throws<UserErrorException>(() =>
            new Distiller(student, data, new Teacher(teacher, data with { Classes = ["class0", "class1", "dog"] }), terms)
        );
        Assert.Contains("it lacks class2", classes.Message, StringComparison.Ordinal);
        Assert.Contains("it alone has dog", classes.Message, StringComparison.Ordinal);
        var task = Assert.Throws<UserErrorException>(() =>
            new Distiller(student, data, new Teacher(teacher, data with { Task = DataTask.Segmentation }), terms)
        );
        Assert.Contains("segmentation", task.Message, StringComparison.Ordinal);
        Assert.Throws<UserErrorException>(() => new Distiller(student, data, new Teacher(teacher, data), Terms()));
        new Distiller(
            student,
            data,
            new Teacher(teacher, data with { Classes = ["a", "b", "c"] }),
            Terms("""{ "type": "FeatureLoss" }""")
        ).Dispose();
    }
}
