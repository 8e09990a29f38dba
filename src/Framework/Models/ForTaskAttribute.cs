using System.Reflection;
using Tessera.Framework.Data;

namespace Tessera.Framework.Models;

/// <summary>What a model is for: it takes data of these tasks and of no other.</summary>
/// <example><code>
/// [Component("ImageClassifier"), ForTask(DataTask.Classification, DataTask.MultiLabel)]
/// public sealed class ImageClassifier : VisionModel
/// </code></example>
[AttributeUsage(AttributeTargets.Class)]
public sealed class ForTaskAttribute(params DataTask[] tasks) : Attribute
{
    /// <summary>The usual one first.</summary>
    public IReadOnlyList<DataTask> Tasks { get; } = tasks;

    /// <summary>The tasks that a class of models declares; empty where it declares none.</summary>
    public static IReadOnlyList<DataTask> Of(Type model) => model.GetCustomAttribute<ForTaskAttribute>()?.Tasks ?? [];
}
