using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Onnx.Format;
using Tessera.Onnx.Lowering;
using static TorchSharp.torch;

namespace Tessera.Onnx.Export;

/// <summary>What a file gives for each task.</summary>
internal sealed class TaskOutputs(VisionModel model, DataInfo data, bool finished)
{
    private readonly IPredictsByTensors? _predicts = model as IPredictsByTensors;

    /// <summary>Whether the graph must know how much of its input is image.</summary>
    public bool NeedsContent => finished && data.Task == DataTask.Detection;

    // Values of a regression are always in their own units: nobody could make them so later.
    private bool ByPrediction =>
        data.Task == DataTask.Regression
            ? _predicts is not null
            : finished && (data.Task is DataTask.Segmentation or DataTask.Detection or DataTask.Panoptic);

    /// <summary>Images to what the graph is made of.</summary>
    public Tensor[] Forward(Tensor images)
    {
        if (!ByPrediction)
            return ((IExplainable)model).Outputs(images);
        if (_predicts is null)
            throw new UserErrorException(
                $"{model.GetName()} does not say what it predicts as tensors (IPredictsByTensors), so the file can't do it."
            );
        return [.. _predicts.Predicted(images).Select(entry => entry.Value)];
    }

    /// <summary>Why the model's own way to predict does more than one pass over the image; null: it doesn't.</summary>
    public string? NotPlain((int Height, int Width) size)
    {
        if (_predicts is null || finished)
            return null;
        try
        {
            using var scope = NewDisposeScope();
            using var still = no_grad();
            _ = _predicts.Predicted(zeros(1, 3, size.Height, size.Width));
            return null;
        }
        catch (UserErrorException e)
        {
            return e.Message;
        }
    }

    /// <summary>The graph's outputs.</summary>
    public IEnumerable<(string Name, string Value, OnnxType Type, IReadOnlyList<object> Sides)> Write(
        GraphWriter writer,
        WrittenProgram program,
        string? content
    )
    {
        var first = program.Results[0];
        var (type, sides) = program.Shapes[first];
        switch (data.Task)
        {
            case DataTask.Classification or DataTask.MultiLabel when finished:
                var scores =
                    data.Task == DataTask.MultiLabel
                        ? writer.Node("scores", "Sigmoid", [first])
                        : writer.Node("scores", "Softmax", [first], ("axis", 1L));
                return [("scores", scores, type, sides)];
            case DataTask.Segmentation when finished:
                var places = writer.Node("classes", "ArgMax", [first], ("axis", 1L), ("keepdims", 0L));
                return [("classes", writer.Cast("classes", places, OnnxType.Int32), OnnxType.Int32, [sides[0], sides[2], sides[3]])];
            case DataTask.Detection when finished:
                return Boxes(writer, program, content!);
            case DataTask.Regression:
                return [("values", first, type, sides)];
            case DataTask.Detection or DataTask.Panoptic:
                return program.Results.Select(
                    (name, i) => ($"output{i}", name, program.Shapes[name].Type, (IReadOnlyList<object>)program.Shapes[name].Sides)
                );
            default:
                return [("logits", first, type, sides)];
        }
    }

    private IEnumerable<(string, string, OnnxType, IReadOnlyList<object>)> Boxes(GraphWriter writer, WrittenProgram program, string content)
    {
        var how = _predicts!.Suppression ?? throw new UserErrorException($"{model.GetName()} does not say how its boxes are suppressed.");
        var sides = program.Shapes[program.Results[1]].Sides;
        if (sides[1] is not long candidates)
            throw new UserErrorException("The number of boxes depends on the size of the images, so the file can't leave the size open.");
        var (boxes, scores, labels) = Suppressed.Write(
            writer,
            program.Results[0],
            program.Results[1],
            program.Results[2],
            content,
            data.Classes.Count,
            candidates,
            how
        );
        var most = Math.Min(how.MaxPerImage, candidates);
        return
        [
            ("boxes", boxes, OnnxType.Float, [sides[0], most, 4L]),
            ("scores", scores, OnnxType.Float, [sides[0], most]),
            ("labels", labels, OnnxType.Int64, [sides[0], most]),
        ];
    }
}
